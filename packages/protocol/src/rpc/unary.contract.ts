import { SystemClock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { SystemRandom } from "@cairnfs/base/random";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EchoService } from "../gen/cairn/test/v1/echo_pb.ts";
import { CoordinatorService } from "../gen/cairn/v1/coordinator_pb.ts";
import type { ServiceClient } from "./client.ts";
import { createClient } from "./create-client.ts";
import { MESSAGE_BYTES_MAX } from "./limits.ts";
import type { Echo } from "./testing/echo.ts";
import type { EchoPair } from "./testing/echo-pair.ts";
import { bytes, failureOf, raw, same } from "./testing/traffic.ts";
import type { ClientTransport } from "./transport.ts";

/** What calls do that answer once. */
export function describeUnaryCalls(open: () => Promise<EchoPair>): void {
  let pair: EchoPair;
  let echo: Echo;
  let transport: ClientTransport;
  let client: ServiceClient<typeof EchoService>;

  beforeEach(async () => {
    pair = await open();
    ({ echo, transport, client } = pair);
  });

  afterEach(() => pair.close());

  describe("that answer once", () => {
    test("carry the message, both ways", async () => {
      const { payload } = await client.echo({ payload: bytes(1000) });
      expect(same(payload, bytes(1000))).toBe(true);
    });

    test("carry an empty message", async () => {
      const { payload } = await client.echo({});
      expect(payload.byteLength).toBe(0);
    });

    test("carry metadata to the handler, and a request id of their own", async () => {
      const answer = await client.echo({}, { metadata: new Map([["colour", "green & blue"]]) });
      expect(answer.metadata.colour).toBe("green & blue");
      expect(answer.metadata["cairn-request-id"]).toMatch(/^[0-9a-f]{32}$/u);
    });

    test("keep the request id that the caller gives", async () => {
      const metadata = new Map([["cairn-request-id", "ab".repeat(16)]]);
      const answer = await client.echo({}, { metadata });
      expect(answer.metadata["cairn-request-id"]).toBe("ab".repeat(16));
    });

    test("fail with the error that the handler threw, details and all", async () => {
      const error = await failureOf(client.echo({ behaviour: "fail" }));
      expect(error.reason).toBe("chunkCorrupt");
      expect(error.message).toBe("the chunk ü is not what was written");
      expect(error.details).toEqual({ sizeBytes: 17, isFinal: true, node: "12", note: "a b" });
    });

    test("fail as internal, without its text, when the handler threw something else", async () => {
      const error = await failureOf(client.echo({ behaviour: "crash" }));
      expect(error.reason).toBe("internal");
      expect(error.message).not.toContain("secret");
    });

    test("fail as unimplemented when nobody serves the method", async () => {
      const coordinator = createClient(CoordinatorService, transport, {
        clock: new SystemClock(),
        random: new SystemRandom(),
        timeoutMs: 5_000,
      });
      const error = await failureOf(coordinator.stat({ path: "/" }));
      expect(error.reason).toBe("unimplemented");
    });

    test("end at their deadline, for the caller and for the handler", async () => {
      await client.echo({});
      const error = await failureOf(client.echo({ behaviour: "hang" }, { timeoutMs: 200 }));
      expect(error.reason).toBe("deadlineExceeded");
      await echo.aborted;
    });

    test("end when the caller gives up, and the handler is told", async () => {
      const controller = new AbortController();
      const call = client.echo({ behaviour: "hang" }, { signal: controller.signal });
      await echo.started;
      controller.abort(new CairnError("cancelled", "enough"));
      expect((await failureOf(call)).message).toBe("enough");
      await echo.aborted;
    });

    test("fail at once when the caller had given up before", async () => {
      const error = await failureOf(client.echo({}, { signal: AbortSignal.abort() }));
      expect(error.reason).toBe("cancelled");
      expect(echo.calls).toBe(0);
    });

    test("take a message of exactly 4 MiB, both ways", async () => {
      // 9 bytes: the tag of the field with its length, and the two entries that the transport does not see.
      const payload = bytes(MESSAGE_BYTES_MAX - 5);
      const answer = await transport.unary("/cairn.test.v1.EchoService/Echo", [raw(payload)], {
        signal: new AbortController().signal,
        metadata: new Map([["bare", "yes"]]),
      });
      expect(answer.byteLength).toBe(MESSAGE_BYTES_MAX);
    });

    test("refuse a request of 4 MiB and one byte as messageTooLarge", async () => {
      const error = await failureOf(client.echo({ payload: bytes(MESSAGE_BYTES_MAX - 4) }));
      expect(error.reason).toBe("messageTooLarge");
      expect(echo.calls).toBe(0);
    });

    test("refuse an answer above 4 MiB as messageTooLarge", async () => {
      const error = await failureOf(client.echo({ behaviour: "huge" }));
      expect(error.reason).toBe("messageTooLarge");
      expect((await client.echo({ payload: bytes(3) })).payload.byteLength).toBe(3);
    });

    test("go side by side in great numbers, each with its own answer", async () => {
      const calls = Array.from({ length: 500 }, async (_, index) => {
        const { payload } = await client.echo({
          payload: new Uint8Array(100 + index).fill(index),
        });
        expect(payload.byteLength).toBe(100 + index);
        expect(payload[0]).toBe(index % 256);
      });
      await Promise.all(calls);
    });
  });
}
