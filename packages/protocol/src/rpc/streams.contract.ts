import { CairnError } from "@cairnfs/base/errors";
import { eventually } from "@cairnfs/base/testing/eventually";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EchoService } from "../gen/cairn/test/v1/echo_pb.ts";
import type { ServiceClient } from "./client.ts";
import { MESSAGE_BYTES_MAX, UNREAD_BYTES_MAX } from "./limits.ts";
import type { Echo } from "./testing/echo.ts";
import type { EchoPair } from "./testing/echo-pair.ts";
import { all, bytes, failureOf, payloads, Source, settled, Turns } from "./testing/traffic.ts";

/** What streams do, of any kind. */
export function describeStreams(open: () => Promise<EchoPair>, tellsCutRequests: boolean): void {
  let pair: EchoPair;
  let echo: Echo;
  let client: ServiceClient<typeof EchoService>;

  beforeEach(async () => {
    pair = await open();
    ({ echo, client } = pair);
  });

  afterEach(() => pair.close());

  describe("whose answers are a stream", () => {
    test("give the answers in order, and end", async () => {
      const indices: number[] = [];
      for await (const { index } of client.count({ count: 1000 })) indices.push(index);
      expect(indices).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    });

    test("leave the way free for the next when they ended before they were read", async () => {
      for (let round = 0; round < 3; round++) {
        const answers = client.count({ count: 400 })[Symbol.asyncIterator]();
        await answers.next();
        // Time for the other answers to come, as far as they do unread.
        for (let turn = 0; turn < 20; turn++) await client.echo({});
        const rest = await all({ [Symbol.asyncIterator]: () => answers });
        expect(rest.map(({ index }) => index).at(-1)).toBe(399);
        expect(await all(client.count({ count: 1 }))).toHaveLength(1);
      }
    });

    test("may be empty", async () => {
      expect(await all(client.count({ count: 0 }))).toEqual([]);
    });

    test("give the answers before an error, then the error", async () => {
      const indices: number[] = [];
      const error = await failureOf(async () => {
        for await (const { index } of client.count({ behaviour: "fail", count: 3 })) {
          indices.push(index);
        }
      });
      expect(indices).toEqual([0, 1, 2]);
      expect(error.reason).toBe("chunkCorrupt");
    });

    test("stop the handler when their reader leaves early", async () => {
      for await (const { index } of client.count({ count: 1_000_000, payloadBytes: 1000 })) {
        if (index === 5) break;
      }
      await echo.returned;
    });

    test("stop the handler when the caller gives up", async () => {
      const controller = new AbortController();
      const error = await failureOf(async () => {
        const options = { signal: controller.signal };
        for await (const { index } of client.count({ behaviour: "hang", count: 3 }, options)) {
          if (index === 2) controller.abort();
        }
      });
      expect(error.reason).toBe("cancelled");
      await echo.aborted;
      await echo.returned;
    });

    test("end at a deadline that was given", async () => {
      await all(client.count({ count: 1 }));
      const error = await failureOf(async () => {
        for await (const _ of client.count({ behaviour: "hang", count: 1 }, { timeoutMs: 200 }));
      });
      expect(error.reason).toBe("deadlineExceeded");
      await echo.aborted;
    });

    test("stop a sender whose reader is slow, after a bounded number of bytes", async () => {
      const payloadBytes = 64 * 1024;
      const answers = client.count({ count: 10_000, payloadBytes })[Symbol.asyncIterator]();
      await answers.next();
      const sentBytes = await settled(() => echo.sentBytes);
      // Our queue, the kernel's buffers on both sides, and what is in between.
      expect(sentBytes).toBeLessThan(UNREAD_BYTES_MAX + 24 * 1024 * 1024);
      for (let read = 0; read < 600; read++) await answers.next();
      expect(echo.sentBytes).toBeGreaterThan(600 * payloadBytes);
      await answers.return?.();
    });

    test("wait for a sender that is slow", async () => {
      const answers = client.count({ behaviour: "gate", count: 2 })[Symbol.asyncIterator]();
      expect((await answers.next()).value?.index).toBe(0);
      const second = answers.next();
      await echo.waiting;
      echo.release();
      expect((await second).value?.index).toBe(1);
      expect((await answers.next()).done).toBe(true);
    });

    test("refuse one answer above 4 MiB as messageTooLarge", async () => {
      const error = await failureOf(
        all(client.count({ count: 1, payloadBytes: MESSAGE_BYTES_MAX })),
      );
      expect(error.reason).toBe("messageTooLarge");
    });
  });

  describe("whose requests are a stream", () => {
    test("give one answer when all have come", async () => {
      const answer = await client.gather(payloads(50, 10_000));
      expect(answer.count).toBe(50);
      expect(answer.payloadBytes).toBe(500_000n);
    });

    test("may have none", async () => {
      expect((await client.gather(payloads(0, 0))).count).toBe(0);
    });

    test("let go of the requests when the handler answers early", async () => {
      const source = new Source(64 * 1024);
      const answer = await client.gather(source.endless({ behaviour: "first" }));
      expect(answer.count).toBe(1);
      await source.returned;
    });

    test("let go of the requests when the handler fails", async () => {
      const source = new Source(64 * 1024);
      const error = await failureOf(client.gather(source.endless({ behaviour: "fail" })));
      expect(error.reason).toBe("chunkCorrupt");
      await source.returned;
    });

    test("fail with what the requests failed with, and the handler is told", async () => {
      async function* broken() {
        yield { payload: bytes(10) };
        await eventually(() => expect(echo.calls).toBe(1));
        throw new CairnError("storeFailed", "the file cannot be read");
      }
      const error = await failureOf(client.gather(broken()));
      expect(error.message).toBe("the file cannot be read");
      if (tellsCutRequests) await echo.aborted;
    });

    test("hand on any error of the requests as it was", async () => {
      const thrown = new TypeError("no such file");
      // biome-ignore lint/correctness/useYield: it fails before it could.
      async function* broken(): AsyncGenerator<object> {
        throw thrown;
      }
      await expect(client.gather(broken())).rejects.toBe(thrown);
    });

    test("stop the sender when the handler is slow, after a bounded number of bytes", async () => {
      const source = new Source(64 * 1024);
      const call = client.gather(source.limited(600, { behaviour: "gate" }));
      await echo.waiting;
      const sentBytes = await settled(() => source.sentBytes);
      expect(sentBytes).toBeLessThan(UNREAD_BYTES_MAX + 24 * 1024 * 1024);
      echo.release();
      expect((await call).count).toBe(600);
    });

    test("end when the caller gives up, however busy they are", async () => {
      const controller = new AbortController();
      const source = new Source(64 * 1024);
      const call = client.gather(source.endless({}), { signal: controller.signal });
      await eventually(() => expect(source.sentBytes).toBeGreaterThan(2 * 1024 * 1024));
      controller.abort();
      expect((await failureOf(call)).reason).toBe("cancelled");
      await source.returned;
      await echo.aborted;
    });

    test("refuse one request above 4 MiB as messageTooLarge", async () => {
      async function* growing() {
        yield { payload: bytes(10) };
        await eventually(() => expect(echo.calls).toBe(1));
        yield { payload: bytes(MESSAGE_BYTES_MAX) };
      }
      const error = await failureOf(client.gather(growing()));
      expect(error.reason).toBe("messageTooLarge");
      if (tellsCutRequests) await echo.aborted;
    });
  });

  describe("with streams both ways", () => {
    test("answer while they are asked", async () => {
      const asked: number[] = [];
      async function* questions() {
        for (let index = 0; index < 100; index++) {
          asked.push(index);
          yield { index };
        }
      }
      let answered = 0;
      for await (const { index } of client.chat(questions())) {
        expect(index).toBe(answered);
        expect(asked.length).toBeGreaterThan(answered);
        answered += 1;
      }
      expect(answered).toBe(100);
    });

    test("can be led step by step", async () => {
      const turns = new Turns();
      const answers = client.chat(turns)[Symbol.asyncIterator]();
      for (let index = 0; index < 5; index++) {
        turns.say({ index });
        expect((await answers.next()).value?.index).toBe(index);
      }
      turns.end();
      expect((await answers.next()).done).toBe(true);
    });

    test("end orderly when the handler leaves before the requests do", async () => {
      const source = new Source(64 * 1024);
      const answers = await all(client.chat(source.endless({ behaviour: "leave", index: 7 })));
      expect(answers.map(({ index }) => index)).toEqual([7]);
      await source.returned;
    });

    test("move much data both ways at once, unchanged", async () => {
      const source = new Source(200_000);
      let received = 0;
      for await (const { payload } of client.chat(source.limited(100, {}))) {
        expect(payload.byteLength).toBe(200_000);
        expect(payload[received % 200_000]).toBe(received % 256);
        received += 1;
      }
      expect(received).toBe(100);
    });

    test("go side by side", async () => {
      const chats = Array.from({ length: 20 }, async (_, chat) => {
        const source = new Source(10_000 + chat);
        const answers = await all(client.chat(source.limited(30, {})));
        expect(answers.every(({ payload }) => payload.byteLength === 10_000 + chat)).toBe(true);
        expect(answers.length).toBe(30);
      });
      await Promise.all(chats);
    });

    test("one that is not read does not hold up the others, nor the small calls", async () => {
      const stuck = client
        .count({ count: 10_000, payloadBytes: 64 * 1024 })
        [Symbol.asyncIterator]();
      await stuck.next();
      await settled(() => echo.sentBytes);
      expect((await all(client.count({ count: 100 }))).length).toBe(100);
      expect((await client.echo({ payload: bytes(9) })).payload.byteLength).toBe(9);
      await stuck.return?.();
    });
  });
}
