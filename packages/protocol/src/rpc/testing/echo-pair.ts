import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { EchoService } from "../../gen/cairn/test/v1/echo_pb.ts";
import type { ServiceClient } from "../client.ts";
import { createClient } from "../create-client.ts";
import type { Network } from "../network.ts";
import { RETRY_NEVER } from "../retry.ts";
import type { ClientTransport, Listener } from "../transport.ts";
import { Echo } from "./echo.ts";

/** A server of the EchoService and a client of it. */
export class EchoPair {
  readonly network: Network;
  readonly echo: Echo;
  readonly transport: ClientTransport;
  readonly client: ServiceClient<typeof EchoService>;
  /** May be closed, and replaced by another at its address. */
  listener: Listener;

  static async open(network: Network, address: string): Promise<EchoPair> {
    const echo = new Echo();
    return new EchoPair(network, echo, await network.listen(address, echo.router()));
  }

  private constructor(network: Network, echo: Echo, listener: Listener) {
    this.network = network;
    this.echo = echo;
    this.listener = listener;
    this.transport = network.connect(listener.address);
    this.client = createClient(EchoService, this.transport, {
      clock: new SystemClock(),
      random: new SystemRandom(),
      timeoutMs: 10_000,
      retry: RETRY_NEVER,
    });
  }

  async close(): Promise<void> {
    this.echo.release();
    await this.transport.close();
    await this.listener.close();
  }
}
