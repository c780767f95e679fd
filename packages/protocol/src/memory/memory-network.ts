import { type Clock, SystemClock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Network } from "../rpc/network.ts";
import type { Router } from "../rpc/router.ts";
import type { ClientTransport, Listener } from "../rpc/transport.ts";
import { MemoryListener } from "./memory-listener.ts";
import { MemoryTransport } from "./memory-transport.ts";

/** The host of who uses the network itself, without `host()`. */
const ANYWHERE = "";

/**
 * A network within one process. Messages are encoded, bounded and joined as on a wire, and nothing is shared between
 * the sides. Tests cut, slow and drop what is on it. Addresses are any strings; "name:0" gets a port of its own.
 */
export class MemoryNetwork implements Network {
  readonly clock: Clock;
  readonly #listeners = new Map<string, MemoryListener>();
  readonly #cuts = new Set<string>();
  readonly #delaysMs = new Map<string, number>();
  readonly #transports = new Set<MemoryTransport>();
  #ports = 40_000;

  constructor(parts: { readonly clock?: Clock } = {}) {
    this.clock = parts.clock ?? new SystemClock();
  }

  connect(address: string): ClientTransport {
    return this.#connect(ANYWHERE, address);
  }

  async listen(address: string, router: Router): Promise<Listener> {
    let bound = address;
    if (address.endsWith(":0")) {
      this.#ports += 1;
      bound = `${address.slice(0, -1)}${this.#ports}`;
    }
    if (this.#listeners.has(bound)) {
      throw new CairnError("invalidConfig", `the address ${bound} is taken`);
    }
    const listener = new MemoryListener(bound, router, this.clock, () => {
      this.#listeners.delete(bound);
    });
    this.#listeners.set(bound, listener);
    return listener;
  }

  /** The same network as seen from the host `name`, so that faults can be between two hosts. */
  host(name: string): Network {
    return {
      connect: (address) => this.#connect(name, address),
      listen: (address, router) => this.listen(address, router),
    };
  }

  /** From now on `address` cannot be reached, by anybody or only from host `from`; calls under way end with `peerGone`. */
  cut(address: string, from?: string): void {
    this.#cuts.add(linkOf(address, from));
    this.drop(address, from);
  }

  /** Undoes the `cut` with the same arguments. */
  heal(address: string, from?: string): void {
    this.#cuts.delete(linkOf(address, from));
  }

  /** Ends all calls under way to `address` with `peerGone`, as a broken connection does. New ones work. */
  drop(address: string, from?: string): void {
    const error = () => new CairnError("peerGone", `the connection to ${address} broke`);
    for (const transport of this.#transports) {
      if (transport.address !== address) continue;
      if (from === undefined || transport.from === from) transport.breakCalls(error);
    }
  }

  /** Each message to and from `address` takes this long from now on, by the clock. 0 undoes it. */
  delay(address: string, delayMs: number): void {
    if (delayMs === 0) this.#delaysMs.delete(address);
    else this.#delaysMs.set(address, delayMs);
  }

  #connect(from: string, address: string): ClientTransport {
    const transport: MemoryTransport = new MemoryTransport(address, from, {
      clock: this.clock,
      reach: () => this.#reach(address, from),
      delayMs: () => this.#delaysMs.get(address) ?? 0,
      onClose: () => {
        this.#transports.delete(transport);
      },
    });
    this.#transports.add(transport);
    return transport;
  }

  #reach(address: string, from: string): MemoryListener {
    const listener = this.#listeners.get(address);
    const isCut = this.#cuts.has(linkOf(address)) || this.#cuts.has(linkOf(address, from));
    if (listener === undefined || isCut) {
      throw new CairnError("unreachable", `nothing answers at ${address}`);
    }
    return listener;
  }
}

function linkOf(address: string, from?: string): string {
  return JSON.stringify(from === undefined ? [address] : [address, from]);
}
