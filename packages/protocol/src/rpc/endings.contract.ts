import { eventually } from "@cairnfs/base/testing/eventually";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EchoService } from "../gen/cairn/test/v1/echo_pb.ts";
import type { ServiceClient } from "./client.ts";
import type { Echo } from "./testing/echo.ts";
import type { EchoPair } from "./testing/echo-pair.ts";
import { all, bytes, failureOf, Turns } from "./testing/traffic.ts";
import type { ClientTransport } from "./transport.ts";

/** What becomes of calls when a side goes away, and comes back. */
export function describeEndings(open: () => Promise<EchoPair>): void {
  let pair: EchoPair;
  let echo: Echo;
  let transport: ClientTransport;
  let client: ServiceClient<typeof EchoService>;

  beforeEach(async () => {
    pair = await open();
    ({ echo, transport, client } = pair);
  });

  afterEach(() => pair.close());

  describe("when a side goes away", () => {
    test("cannot be made where nobody listens", async () => {
      await pair.listener.close();
      const error = await failureOf(client.echo({}));
      expect(error.reason).toBe("unreachable");
      const streamError = await failureOf(all(client.count({ count: 1 })));
      expect(streamError.reason).toBe("unreachable");
    });

    test("end when the server stops, and their handlers are told why", async () => {
      const unary = failureOf(client.echo({ behaviour: "hang" }));
      await echo.started;
      const answers = client.count({ behaviour: "hang", count: 1 })[Symbol.asyncIterator]();
      await answers.next();
      const next = failureOf(answers.next());
      await pair.listener.close();
      expect(["shuttingDown", "peerGone"]).toContain((await unary).reason);
      expect(["shuttingDown", "peerGone"]).toContain((await next).reason);
      expect((await echo.aborted).reason).toBe("shuttingDown");
    });

    test("work again when the server is back at its address", async () => {
      await client.echo({});
      const { address: bound } = pair.listener;
      await pair.listener.close();
      await failureOf(client.echo({}));
      pair.listener = await pair.network.listen(bound, echo.router());
      const answer = await eventually(() => client.echo({ payload: bytes(5) }));
      expect(answer.payload.byteLength).toBe(5);
      expect((await all(client.count({ count: 3 }))).length).toBe(3);
    });

    test("are cancelled when the caller closes the transport", async () => {
      const call = failureOf(client.echo({ behaviour: "hang" }));
      await echo.started;
      const chat = failureOf(all(client.chat(new Turns())));
      await transport.close();
      expect((await call).reason).toBe("cancelled");
      expect((await chat).reason).toBe("cancelled");
      await echo.aborted;
      expect((await failureOf(client.echo({}))).reason).toBe("cancelled");
    });
  });
}
