import { SystemClock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { SystemRandom } from "@cairnfs/base/random";
import { eventually } from "@cairnfs/base/testing/eventually";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EchoService } from "../gen/cairn/test/v1/echo_pb.ts";
import { CoordinatorService } from "../gen/cairn/v1/coordinator_pb.ts";
import type { ServiceClient } from "./client.ts";
import { createClient } from "./create-client.ts";
import { MESSAGE_BYTES_MAX, UNREAD_BYTES_MAX } from "./limits.ts";
import type { Network } from "./network.ts";
import { RETRY_NEVER } from "./retry.ts";
import { Echo } from "./testing/echo.ts";
import type { ClientTransport, Listener } from "./transport.ts";

const clock = new SystemClock();
const random = new SystemRandom();

export interface NetworkUnderTest {
  /** Where to listen, on a port that is free. */
  readonly address: string;
  /** Whether a handler can tell requests that were cut off from requests that are complete; unless it is so, say why. */
  readonly cutRequestsLookComplete?: string;
}

/** What every transport promises to callers and handlers, whatever carries the bytes. */
export function describeNetwork(
  name: string,
  open: () => Network,
  { address, cutRequestsLookComplete }: NetworkUnderTest,
): void {
  const tellsCutRequests = cutRequestsLookComplete === undefined;
  describe(`calls over ${name}`, { timeout: 20_000 }, () => {
    let network: Network;
    let echo: Echo;
    let listener: Listener;
    let transport: ClientTransport;
    let client: ServiceClient<typeof EchoService>;

    beforeEach(async () => {
      network = open();
      echo = new Echo();
      listener = await network.listen(address, echo.router());
      transport = network.connect(listener.address);
      client = clientOf(transport);
    });

    afterEach(async () => {
      echo.release();
      await transport.close();
      await listener.close();
    });

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
          clock,
          random,
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

    describe("whose answers are a stream", () => {
      test("give the answers in order, and end", async () => {
        const indices: number[] = [];
        for await (const { index } of client.count({ count: 1000 })) indices.push(index);
        expect(indices).toEqual(Array.from({ length: 1000 }, (_, index) => index));
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

    describe("when a side goes away", () => {
      test("cannot be made where nobody listens", async () => {
        await listener.close();
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
        await listener.close();
        expect(["shuttingDown", "peerGone"]).toContain((await unary).reason);
        expect(["shuttingDown", "peerGone"]).toContain((await next).reason);
        expect((await echo.aborted).reason).toBe("shuttingDown");
      });

      test("work again when the server is back at its address", async () => {
        await client.echo({});
        const { address: bound } = listener;
        await listener.close();
        await failureOf(client.echo({}));
        listener = await network.listen(bound, echo.router());
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

    test("an address that is taken is refused as invalidConfig", async () => {
      const error = await failureOf(network.listen(listener.address, echo.router()));
      expect(error.reason).toBe("invalidConfig");
    });
  });
}

function clientOf(transport: ClientTransport): ServiceClient<typeof EchoService> {
  return createClient(EchoService, transport, {
    clock,
    random,
    timeoutMs: 10_000,
    retry: RETRY_NEVER,
  });
}

async function failureOf(call: Promise<unknown> | (() => Promise<unknown>)): Promise<CairnError> {
  try {
    await (typeof call === "function" ? call() : call);
  } catch (error) {
    if (error instanceof CairnError) return error;
    throw error;
  }
  throw new Error("the call succeeded and should have failed");
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

/** The value when it has stopped growing. */
async function settled(read: () => number): Promise<number> {
  let before = -1;
  let same = 0;
  while (same < 5) {
    const now = read();
    same = now === before ? same + 1 : 0;
    before = now;
    await clock.sleep(20);
  }
  return before;
}

function bytes(sizeBytes: number): Uint8Array {
  const filled = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) filled[at] = at;
  return filled;
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** An EchoRequest or EchoResponse of a payload between 2 MiB and 256 MiB: five bytes before it. */
function raw(payload: Uint8Array): Uint8Array {
  const message = new Uint8Array(payload.byteLength + 5);
  const size = payload.byteLength;
  message.set([
    0x7a,
    (size & 0x7f) | 0x80,
    ((size >> 7) & 0x7f) | 0x80,
    ((size >> 14) & 0x7f) | 0x80,
  ]);
  message[4] = size >> 21;
  message.set(payload, 5);
  return message;
}

async function* payloads(count: number, sizeBytes: number) {
  for (let index = 0; index < count; index++) yield { payload: bytes(sizeBytes) };
}

interface Said {
  readonly behaviour?: string;
  readonly index?: number;
}

/** Requests that note how many were taken, and that they were let go. */
class Source {
  sentBytes = 0;
  readonly returned: Promise<void>;
  readonly #payload: Uint8Array;
  #onReturn: () => void = () => undefined;

  constructor(sizeBytes: number) {
    this.#payload = bytes(sizeBytes);
    this.returned = new Promise((resolve) => {
      this.#onReturn = resolve;
    });
  }

  endless(said: Said): AsyncGenerator<Said & { payload: Uint8Array }> {
    return this.limited(Number.POSITIVE_INFINITY, said);
  }

  async *limited(count: number, said: Said): AsyncGenerator<Said & { payload: Uint8Array }> {
    try {
      for (let index = 0; index < count; index++) {
        yield { ...said, payload: this.#payload };
        this.sentBytes += this.#payload.byteLength;
      }
    } finally {
      this.#onReturn();
    }
  }
}

/** Requests that come when they are said. */
class Turns implements AsyncIterableIterator<Said> {
  #said: Said[] = [];
  #hasEnded = false;
  #onChange: () => void = () => undefined;

  [Symbol.asyncIterator](): this {
    return this;
  }

  say(said: Said): void {
    this.#said.push(said);
    this.#onChange();
  }

  end(): void {
    this.#hasEnded = true;
    this.#onChange();
  }

  async next(): Promise<IteratorResult<Said>> {
    for (;;) {
      const said = this.#said.shift();
      if (said !== undefined) return { done: false, value: said };
      if (this.#hasEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<Said>> {
    this.end();
    return { done: true, value: undefined };
  }
}
