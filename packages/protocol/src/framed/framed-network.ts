import type { Clock } from "@cairnfs/base/clock";
import { parseAddress } from "../rpc/address.ts";
import type { Network } from "../rpc/network.ts";
import { receiveBuffers } from "../rpc/receive-buffers.ts";
import type { Router } from "../rpc/router.ts";
import type { ClientTransport, Listener } from "../rpc/transport.ts";
import { CONNECTION_LIMITS, Connection, type ConnectionLimits } from "./connection.ts";
import { FramedListener } from "./framed-listener.ts";
import { FramedTransport } from "./framed-transport.ts";
import { dial } from "./socket.ts";

/** The fast transport between our own processes, over TCP. Its format is docs/formats/framed-rpc.md. */
export class FramedNetwork implements Network {
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;

  constructor(parts: {
    readonly clock: Clock;
    readonly limits?: Partial<ConnectionLimits> | undefined;
  }) {
    this.#clock = parts.clock;
    this.#limits = { ...CONNECTION_LIMITS, ...parts.limits };
  }

  connect(address: string): ClientTransport {
    const target = parseAddress(address);
    return new FramedTransport(
      address,
      this.#clock,
      (owner) =>
        new Connection(owner, {
          clock: this.#clock,
          limits: this.#limits,
          peer: address,
          buffers: receiveBuffers,
          openSocket: (sink) => dial(target, sink),
        }),
    );
  }

  listen(address: string, router: Router): Promise<Listener> {
    const { clock, limits } = { clock: this.#clock, limits: this.#limits };
    return FramedListener.open(address, { clock, limits, router });
  }
}
