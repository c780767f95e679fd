import type { Clock } from "@cairnfs/base/clock";
import type { Network } from "../rpc/network.ts";
import type { Router } from "../rpc/router.ts";
import type { ClientTransport, Listener } from "../rpc/transport.ts";
import { GrpcListener } from "./grpc-listener.ts";
import { GrpcTransport } from "./grpc-transport.ts";

/** gRPC, so that clients of any language can call. Needs the optional package @grpc/grpc-js. */
export class GrpcNetwork implements Network {
  readonly #clock: Clock;

  constructor(parts: { readonly clock: Clock }) {
    this.#clock = parts.clock;
  }

  connect(address: string): ClientTransport {
    return new GrpcTransport(address, this.#clock);
  }

  listen(address: string, router: Router): Promise<Listener> {
    return GrpcListener.open(address, router, this.#clock);
  }
}
