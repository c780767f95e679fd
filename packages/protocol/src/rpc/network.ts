import type { Router } from "./router.ts";
import type { ClientTransport, Listener } from "./transport.ts";

/**
 * The network as the code may know it: framed (our own processes), gRPC (anybody), or memory (tests, simulation).
 * Addresses are host:port.
 */
export interface Network {
  /** A transport to `address`; connects when first used. The caller closes it. */
  connect(address: string): ClientTransport;
  /** Serves `router` at `address`; port 0 takes a free one. */
  listen(address: string, router: Router): Promise<Listener>;
}
