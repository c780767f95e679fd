import { CairnError } from "@cairnfs/base/errors";
import { MemoryListener } from "@cairnfs/protocol/memory/memory-listener";
import type { Network } from "@cairnfs/protocol/rpc/network";
import type { SimProcess } from "../process/sim-process.ts";
import type { Chance } from "../schedule/chance.ts";
import { ArmedRequests } from "./armed-requests.ts";
import type { LinkState } from "./link.ts";
import { SimConnection as Connection, type SimConnection } from "./sim-connection.ts";
import { SimTransport } from "./sim-transport.ts";

/** How long a message takes on a way that is well. */
const LATENCY_MS = { least: 0.1, mean: 0.4 };
/** How long a connection is tried where nothing answers. */
const CONNECT_MS = 3_000;

interface Listening {
  readonly process: SimProcess;
  readonly listener: MemoryListener;
}

/**
 * The network of one simulated world, between hosts that have names. Addresses are "host:port". Each direction between two hosts can
 * be slow or blocked; connections can be dropped; processes that die break theirs.
 */
export class SimNetwork {
  readonly armed = new ArmedRequests();
  readonly #random: Chance;
  readonly #listening = new Map<string, Listening>();
  readonly #links = new Map<string, LinkState>();
  readonly #connections = new Set<SimConnection>();
  readonly #down = new Set<string>();
  #connectionCount = 0;

  constructor(random: Chance) {
    this.#random = random;
  }

  /** The network as one life of a process has it. */
  for(process: SimProcess): Network {
    return {
      connect: (address) => new SimTransport(this, process, address),
      listen: async (address, router) => {
        if (this.#listening.has(address)) {
          throw new CairnError("invalidConfig", `the address ${address} is taken`);
        }
        const listener = new MemoryListener(address, router, process.clock, () => {
          if (this.#listening.get(address)?.listener === listener) this.#listening.delete(address);
        });
        this.#listening.set(address, { process, listener });
        return listener;
      },
    };
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Who listens at the address, in a process that lives. */
  listenerAt(address: string): Listening | undefined {
    const found = this.#listening.get(address);
    return found?.process.isAlive === true ? found : undefined;
  }

  /** A connection to the address; `unreachable` when there is none to be had. */
  async dial(
    from: SimProcess,
    address: string,
    signal: AbortSignal | undefined,
  ): Promise<SimConnection> {
    const to = hostOf(address);
    const isAnswered = () =>
      !this.isBlocked(from.host, to) && !this.isBlocked(to, from.host) && this.isUp(to);
    if (!isAnswered()) {
      await from.clock.sleep(CONNECT_MS, signal);
      if (!isAnswered()) throw new CairnError("unreachable", `nothing answers at ${address}`);
    } else {
      await this.#travel(from, 2 * this.latencyMs(from.host, to));
    }
    signal?.throwIfAborted();
    const server = this.listenerAt(address);
    if (server === undefined) throw new CairnError("unreachable", `${address} refuses connections`);
    this.#connectionCount += 1;
    const connection = new Connection(this, this.#connectionCount, from, server.process);
    this.#connections.add(connection);
    return connection;
  }

  forget(connection: SimConnection): void {
    this.#connections.delete(connection);
  }

  latencyMs(from: string, to: string): number {
    const { least, mean } = LATENCY_MS;
    const extraMs = this.#links.get(linkName(from, to))?.extraMs ?? 0;
    const ownMs = least + this.#random.aboutMs(mean);
    return extraMs === 0 ? ownMs : ownMs + this.#random.aboutMs(extraMs);
  }

  isBlocked(from: string, to: string): boolean {
    return this.#links.get(linkName(from, to))?.isBlocked ?? false;
  }

  isUp(host: string): boolean {
    return !this.#down.has(host);
  }

  /** Changes one direction between two hosts. */
  setLink(from: string, to: string, change: Partial<LinkState>): void {
    const name = linkName(from, to);
    const before = this.#links.get(name) ?? { isBlocked: false, extraMs: 0 };
    this.#links.set(name, { ...before, ...change });
    if (change.isBlocked === false) this.#releaseAll();
  }

  /** Every way is well again. */
  healAll(): void {
    this.#links.clear();
    this.#releaseAll();
  }

  /** Breaks the connections between two hosts. */
  drop(one: string, other: string): void {
    for (const connection of [...this.#connections]) {
      if (connection.isBetween(one, other)) connection.breakNow("the connection broke");
    }
  }

  /** A process has died: with its host, or alone. */
  processDied(process: SimProcess, isHostUp: boolean): void {
    if (!isHostUp) this.#down.add(process.host);
    for (const [address, listening] of this.#listening) {
      if (listening.process === process) this.#listening.delete(address);
    }
    for (const connection of [...this.#connections]) {
      for (const side of ["client", "server"] as const) {
        if (connection.process(side) === process) connection.processDied(side, isHostUp);
      }
      if (connection.isBroken("client") && connection.isBroken("server")) this.forget(connection);
    }
  }

  hostIsUp(host: string): void {
    this.#down.delete(host);
  }

  #releaseAll(): void {
    for (const connection of [...this.#connections]) connection.release();
  }

  #travel(process: SimProcess, delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      process.scheduler.after(delayMs, () => process.deliver(resolve));
    });
  }
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}

function linkName(from: string, to: string): string {
  return `${from}>${to}`;
}
