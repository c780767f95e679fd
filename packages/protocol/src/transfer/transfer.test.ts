import { create } from "@bufbuild/protobuf";
import { sha256 } from "@cairnfs/base/checksum";
import { CairnError } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { expect, test } from "vitest";
import { BLOCK_BYTES, chunkIdFromBytes } from "../chunk-id.ts";
import {
  type DataNodeService,
  type RetrieveChunkRequest,
  type RetrieveChunkResponse,
  RetrieveChunkResponseSchema,
  type StoreChunkRequest,
  StoreChunkRequestSchema,
  type StoreChunkResponse,
  StoreChunkResponseSchema,
} from "../gen/cairn/v1/datanode_pb.ts";
import type { CallOptions, ServiceClient } from "../rpc/client.ts";
import { frameToMessage } from "./chunk-frame.ts";
import { ChunkReceiver } from "./chunk-receiver.ts";
import { cutFrames } from "./chunk-sender.ts";
import { retrieveChunk } from "./retrieve-chunk.ts";
import { type StoreChunkOptions, storeChunk } from "./store-chunk.ts";

type Client = ServiceClient<typeof DataNodeService>;
type Store = Pick<Client, "storeChunk">;
type Retrieve = Pick<Client, "retrieveChunk">;

const CHUNK = new Prng(5).bytes(5 * BLOCK_BYTES + 17);
const CHUNK_ID = chunkIdFromBytes(sha256(CHUNK));

async function* piecesOf(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

/** A client whose calls are answered here and now by `serve`; an abort ends the answers. */
function storeBy(
  serve: (
    requests: AsyncIterable<StoreChunkRequest>,
    signal: AbortSignal,
  ) => AsyncIterable<StoreChunkResponse>,
): Store {
  return {
    storeChunk: (requests, options) =>
      abortable(serve(messages(requests), signalOf(options)), signalOf(options)),
  };
}

function retrieveBy(
  serve: (requests: AsyncIterable<RetrieveChunkRequest>) => AsyncIterable<RetrieveChunkResponse>,
): Retrieve {
  return {
    retrieveChunk: (requests, options) =>
      // The senders under test yield whole messages.
      abortable(serve(requests as AsyncIterable<RetrieveChunkRequest>), signalOf(options)),
  };
}

async function* messages(
  requests: Parameters<Store["storeChunk"]>[0],
): AsyncGenerator<StoreChunkRequest> {
  for await (const request of requests) yield create(StoreChunkRequestSchema, request);
}

function signalOf(options: CallOptions | undefined): AbortSignal {
  return options?.signal ?? new AbortController().signal;
}

async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  const aborted = new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(new Error("aborted"));
    signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
  });
  aborted.catch(() => undefined);
  for (;;) {
    const next = await Promise.race([iterator.next(), aborted]);
    if (next.done) return;
    yield next.value;
  }
}

function ack(bytesReceived: number, readyForNext = true): StoreChunkResponse {
  return create(StoreChunkResponseSchema, {
    step: { case: "ack", value: { bytesReceived: BigInt(bytesReceived), readyForNext } },
  });
}

function result(chunkId: Uint8Array, lengthBytes: number): StoreChunkResponse {
  return create(StoreChunkResponseSchema, {
    step: { case: "result", value: { chunkId, lengthBytes: BigInt(lengthBytes) } },
  });
}

/** A node that takes everything, and notes what it was sent. */
function takingNode(taken: Buffer[], ids: Uint8Array[]): Store {
  return storeBy(async function* (requests) {
    const receiver = new ChunkReceiver({
      direction: "store",
      lengthLimitBytes: 2 ** 29,
      verifiesBlocks: true,
    });
    for await (const { step } of requests) {
      if (step.case === "open") ids.push(step.value.chunkId);
      if (step.case !== "data") continue;
      const frame = receiver.accept(step.value);
      taken.push(Buffer.from(frame.data));
      ids.push(step.value.chunkId);
      yield ack(receiver.receivedBytes);
    }
    receiver.end();
    const bytes = Buffer.concat(taken);
    yield result(sha256(bytes), bytes.byteLength);
  });
}

function storing(options: Partial<StoreChunkOptions> = {}): StoreChunkOptions {
  return {
    clock: new SimClock(),
    sessionId: new Uint8Array(16),
    epoch: 1,
    writeQuorum: 1,
    ...options,
  };
}

test("the id is sent with the open when known, and with the last frame in any case", async () => {
  for (const chunkId of [CHUNK_ID, () => CHUNK_ID, undefined]) {
    const taken: Buffer[] = [];
    const ids: Uint8Array[] = [];
    const stored = await storeChunk(
      takingNode(taken, ids),
      piecesOf(CHUNK),
      storing({ chunkId, frameBytes: 2 * BLOCK_BYTES }),
    );
    expect(stored).toMatchObject({ chunkId: CHUNK_ID, lengthBytes: CHUNK.byteLength });
    expect(Buffer.concat(taken).equals(CHUNK)).toBe(true);
    expect(ids[0]?.byteLength).toBe(typeof chunkId === "string" ? 32 : 0);
    expect(ids.slice(1).map((id) => id.byteLength)).toEqual([0, 0, 32]);
  }
});

test("a node that holds the chunk already answers before the pieces are read", async () => {
  let readPieces = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      readPieces += 1;
      yield new Uint8Array(BLOCK_BYTES);
    }
  }
  const node = storeBy(async function* (requests) {
    for await (const { step } of requests) {
      if (step.case === "open") yield result(step.value.chunkId, 5);
    }
  });
  const stored = await storeChunk(node, endless(), storing({ chunkId: CHUNK_ID }));
  expect(stored.lengthBytes).toBe(5);
  expect(readPieces).toBe(0);
});

test("a node's refusal ends the call with the node's own error", async () => {
  const node = storeBy(async function* (requests) {
    for await (const { step } of requests) {
      if (step.case === "data") throw new CairnError("storeFull", "no room");
      yield ack(0);
    }
  });
  const clock = new SimClock();
  await expect(storeChunk(node, piecesOf(CHUNK), storing({ clock }))).rejects.toMatchObject({
    reason: "storeFull",
  });
  expect(clock.pendingTimers).toBe(0);
});

test("an error of the source ends the call and is thrown as it is", async () => {
  const broken = new Error("the source broke");
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield CHUNK;
    throw broken;
  }
  const store = storeChunk(takingNode([], []), pieces(), storing({ frameBytes: BLOCK_BYTES }));
  await expect(store).rejects.toBe(broken);
});

test("a node that never acknowledges is given up after the stall time", async () => {
  const clock = new SimClock();
  const node = storeBy(async function* (requests) {
    for await (const _request of requests) yield ack(0);
  });
  const outcome = storeChunk(
    node,
    piecesOf(CHUNK),
    storing({ clock, frameBytes: BLOCK_BYTES, windowBytes: 2 * BLOCK_BYTES, stallMs: 1000 }),
  ).catch((error: unknown) => error);
  await clock.advance(1001);
  expect(await outcome).toMatchObject({ reason: "stalled" });
  expect(clock.pendingTimers).toBe(0);
});

test("a node that takes all and then says nothing is given up after the result time", async () => {
  const clock = new SimClock();
  const node = storeBy(async function* (requests) {
    for await (const { step } of requests) {
      if (step.case === "data") yield ack(Number(step.value.offsetBytes) + step.value.data.length);
    }
    await new Promise(() => undefined);
  });
  const outcome = storeChunk(
    node,
    piecesOf(CHUNK),
    storing({ clock, stallMs: 1000, resultTimeoutMs: 5000 }),
  ).catch((error: unknown) => error);
  await clock.advance(4000);
  await clock.advance(1001);
  expect(await outcome).toMatchObject({ reason: "stalled" });
});

test("an abort ends the call, also one that came before it", async () => {
  const node = storeBy(async function* () {
    yield ack(0);
    await new Promise(() => undefined);
  });
  for (const isEarly of [true, false]) {
    const controller = new AbortController();
    if (isEarly) controller.abort();
    const outcome = storeChunk(node, piecesOf(CHUNK), storing({ signal: controller.signal }));
    controller.abort();
    await expect(outcome).rejects.toMatchObject({ reason: "cancelled" });
  }
});

const OWN_ID = sha256(CHUNK);
const ways = { known: CHUNK_ID, "asked for": () => CHUNK_ID, computed: undefined };

for (const [way, chunkId] of Object.entries(ways)) {
  test.each([
    ["another chunk", new Uint8Array(32), CHUNK.byteLength],
    ["another length", OWN_ID, CHUNK.byteLength - 1],
  ])(
    `a result for %s violates the protocol, when the id is ${way}`,
    async (_what, id, lengthBytes) => {
      const node = storeBy(async function* (requests) {
        for await (const { step } of requests)
          if (step.case === "data" && step.value.isFinal) break;
        yield result(id, lengthBytes);
      });
      const outcome = storeChunk(node, piecesOf(CHUNK), storing({ chunkId }));
      await expect(outcome).rejects.toMatchObject({ reason: "protocolViolation" });
    },
  );
}

test("a result before the pieces were read is believed for a known id and its length only", async () => {
  const early = (lengthBytes: number) =>
    storeBy(async function* () {
      yield result(OWN_ID, lengthBytes);
    });
  const violation = { reason: "protocolViolation" };
  const known = storing({ chunkId: CHUNK_ID, lengthBytes: CHUNK.byteLength });
  await storeChunk(early(CHUNK.byteLength), piecesOf(CHUNK), known);
  await expect(storeChunk(early(1), piecesOf(CHUNK), known)).rejects.toMatchObject(violation);
  const unknown = storeChunk(early(CHUNK.byteLength), piecesOf(CHUNK), storing());
  await expect(unknown).rejects.toMatchObject(violation);
});

interface Serving {
  readonly bytes?: Uint8Array;
  readonly corruptByteAt?: number;
  readonly framesMax?: number;
}

/** A node that serves the blocks a range touches, right or wrong. */
function servingNode({ bytes = CHUNK, corruptByteAt, framesMax = 1000 }: Serving): Retrieve {
  return retrieveBy(async function* (requests) {
    for await (const { step } of requests) {
      if (step.case !== "open") continue;
      const first = Math.floor(Number(step.value.offsetBytes) / BLOCK_BYTES) * BLOCK_BYTES;
      const wanted = Number(step.value.lengthBytes);
      const end = wanted === 0 ? bytes.length : Number(step.value.offsetBytes) + wanted;
      const last = Math.min(Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES, bytes.length);
      let frames = 0;
      for await (const frame of cutFrames(piecesOf(bytes.slice(first, last)), 2 * BLOCK_BYTES)) {
        frames += 1;
        if (frames > framesMax) return;
        const message = frameToMessage({ ...frame, offsetBytes: first + frame.offsetBytes }, {});
        if (corruptByteAt !== undefined) {
          const at = corruptByteAt - Number(message.offsetBytes);
          if (at >= 0 && at < frame.data.length) frame.data[at] = (frame.data[at] ?? 0) ^ 1;
        }
        yield create(RetrieveChunkResponseSchema, {
          chunkLengthBytes: frames === 1 ? BigInt(bytes.length) : 0n,
          data: message,
        });
      }
      return;
    }
  });
}

async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

const clock = new SimClock();

test("any range comes out to the byte, at the edges of blocks and across them", async () => {
  const node = servingNode({});
  const edges = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, CHUNK.length - 1];
  for (const offsetBytes of edges) {
    const restBytes = CHUNK.length - offsetBytes;
    for (const lengthBytes of [1, BLOCK_BYTES - 1, BLOCK_BYTES, 2 * BLOCK_BYTES + 1, restBytes]) {
      if (lengthBytes > restBytes) continue;
      const range = { clock, chunkId: CHUNK_ID, offsetBytes, lengthBytes };
      const read = await readAll(retrieveChunk(node, range));
      expect(read.equals(CHUNK.subarray(offsetBytes, offsetBytes + lengthBytes))).toBe(true);
    }
    const toEnd = await readAll(retrieveChunk(node, { clock, chunkId: CHUNK_ID, offsetBytes }));
    expect(toEnd.equals(CHUNK.subarray(offsetBytes))).toBe(true);
  }
});

test("a flipped bit is found by its block's checksum", async () => {
  const node = servingNode({ corruptByteAt: 3 * BLOCK_BYTES + 5 });
  await expect(readAll(retrieveChunk(node, { clock, chunkId: CHUNK_ID }))).rejects.toMatchObject({
    reason: "chunkCorrupt",
    details: { blockOffsetBytes: 3 * BLOCK_BYTES },
  });
});

test("the bytes of another chunk with checksums of their own are found by the id, before the last piece is given", async () => {
  const node = servingNode({ bytes: new Prng(6).bytes(CHUNK.length) });
  let readBytes = 0;
  const reading = (async () => {
    for await (const piece of retrieveChunk(node, { clock, chunkId: CHUNK_ID })) {
      readBytes += piece.byteLength;
    }
  })();
  await expect(reading).rejects.toMatchObject({ reason: "chunkCorrupt" });
  expect(readBytes).toBeLessThan(CHUNK.length);
});

test("a copy of another length than the reader knows is corrupt", async () => {
  const options = { clock, chunkId: CHUNK_ID, chunkLengthBytes: CHUNK.length + 1 };
  await expect(readAll(retrieveChunk(servingNode({}), options))).rejects.toMatchObject({
    reason: "chunkCorrupt",
  });
});

test("a node that stops before the end of the range is gone, not done", async () => {
  for (const framesMax of [0, 2]) {
    await expect(
      readAll(retrieveChunk(servingNode({ framesMax }), { clock, chunkId: CHUNK_ID })),
    ).rejects.toMatchObject({ reason: "peerGone" });
  }
});

test("a node that sends nothing while the reader waits is given up; a reader that takes its time is not punished", async () => {
  const simClock = new SimClock();
  const silent = retrieveBy(async function* () {
    yield* [];
    await new Promise(() => undefined);
  });
  const options = { clock: simClock, chunkId: CHUNK_ID, stallMs: 1000 };
  const outcome = readAll(retrieveChunk(silent, options)).catch((error: unknown) => error);
  await simClock.advance(1001);
  expect(await outcome).toMatchObject({ reason: "stalled" });

  const reading = retrieveChunk(servingNode({}), options);
  await reading.next();
  await simClock.advance(5000);
  expect((await reading.next()).done).toBe(false);
  await reading.return();
  expect(simClock.pendingTimers).toBe(0);
});
