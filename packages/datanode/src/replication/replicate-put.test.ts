import { create } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { BLOCK_BYTES, chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import {
  ChunkDataStreamSchema,
  type StoreChunkRequest,
  StoreChunkRequestSchema,
  type StoreChunkResponse,
  VerifyOutcome,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { makeForwardMac } from "@cairnfs/protocol/receipt";
import { blockChecksums } from "@cairnfs/protocol/transfer/block-checksums";
import { retrieveChunk } from "@cairnfs/protocol/transfer/retrieve-chunk";
import { storeChunk } from "@cairnfs/protocol/transfer/store-chunk";
import { expect, test, vi } from "vitest";
import { Admission } from "../services/admission.ts";
import { readChunk, sampleChunk } from "../store/testing/sample-chunk.ts";
import { SESSION_ID, TrialCluster as Trial, type TrialCluster } from "../testing/trial-cluster.ts";

// Hashing megabytes three times takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const MIB = 1024 * 1024;
const CHUNK = sampleChunk(3 * MIB + 123);
const FRAME_BYTES = 4 * BLOCK_BYTES;

async function* piecesOf(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes)
    yield bytes.subarray(at, at + pieceBytes);
}

async function expectHeldBy(cluster: TrialCluster, numbers: readonly number[]): Promise<void> {
  for (const node of cluster.nodes) {
    const info = await node.store.info(CHUNK.id);
    expect(info !== undefined, `node ${node.number} holds the chunk`).toBe(
      numbers.includes(node.number),
    );
    if (info === undefined) continue;
    const bytes = await readChunk(node.store, CHUNK);
    expect(Buffer.compare(bytes, CHUNK.bytes)).toBe(0);
  }
}

test("a chunk stored through one node is durable on all, with a receipt of each that holds", async () => {
  for (const chunkId of [CHUNK.id, undefined, () => CHUNK.id]) {
    await using cluster = await Trial.open(3);
    const stored = await cluster.store(piecesOf(CHUNK.bytes, 100_000), {
      chunkId,
      lengthBytes: chunkId === undefined ? undefined : CHUNK.bytes.byteLength,
    });
    expect(stored.chunkId).toBe(CHUNK.id);
    expect(stored.failures).toEqual([]);
    expect(stored.receipts.map((receipt) => receipt.nodeNumber)).toEqual([1, 2, 3]);
    for (const { nodeNumber, mac } of stored.receipts) {
      const fields = {
        sessionId: SESSION_ID,
        chunkId: CHUNK.id,
        lengthBytes: CHUNK.bytes.byteLength,
        epoch: 1,
        nodeNumber,
      };
      expect(cluster.coordinator.isReceiptValid(fields, mac)).toBe(true);
      expect(cluster.coordinator.isReceiptValid({ ...fields, epoch: 2 }, mac)).toBe(false);
    }
    await expectHeldBy(cluster, [1, 2, 3]);
    for (const node of cluster.nodes) {
      const pieces: Uint8Array[] = [];
      const options = { clock: cluster.clock, chunkId: CHUNK.id };
      for await (const piece of retrieveChunk(node.client, options)) pieces.push(piece);
      expect(Buffer.compare(Buffer.concat(pieces), CHUNK.bytes)).toBe(0);
    }
  }
});

test("a replica that cannot be reached is dropped when the quorum can do without it", async () => {
  await using cluster = await Trial.open(3);
  cluster.network.cut(cluster.node(3).address);
  const stored = await cluster.outcome(cluster.store(CHUNK.bytes));
  expect(stored.receipts.map((receipt) => receipt.nodeNumber)).toEqual([1, 2]);
  expect(stored.failures).toMatchObject([{ nodeNumber: 3, reason: "unreachable" }]);
  await expectHeldBy(cluster, [1, 2]);
});

test("a replica that nobody knows is dropped, and one that only the client knows is reached", async () => {
  await using cluster = await Trial.open(3);
  const unknown = await cluster.store(CHUNK.bytes, { replicaNodeNumbers: [2, 77] });
  expect(unknown.failures).toMatchObject([{ nodeNumber: 77, reason: "nodeNotFound" }]);
  const hints = [{ nodeNumber: 77, address: cluster.node(3).address }];
  const stored = await cluster.store(CHUNK.bytes, {
    replicaNodeNumbers: [2, 77],
    // A row as the coordinator sends it has more; this is all that is looked at.
    replicaNodes: hints as never,
  });
  // Node 3 gave a receipt for itself, not for the number it was called by.
  expect(stored.failures).toMatchObject([{ nodeNumber: 77, reason: "protocolViolation" }]);
});

test("without the quorum the call fails, and says why each replica failed", async () => {
  await using cluster = await Trial.open(3);
  cluster.network.cut(cluster.node(2).address);
  cluster.node(3).store.failWrites(new CairnError("storeFailed", "the disk errs"));
  const outcome = cluster.outcome(cluster.store(CHUNK.bytes));
  await expect(outcome).rejects.toMatchObject({
    reason: "quorumNotReached",
    details: { node2: "unreachable", node3: "storeFailed" },
  });
  await expectHeldBy(cluster, []);
});

test("a replica that dies in the middle, or at its commit, is dropped", async () => {
  for (const stage of ["middle", "commit"]) {
    await using cluster = await Trial.open(3);
    const last = cluster.node(3);
    if (stage === "middle") last.store.letWrite(MIB);
    else last.store.holdCommits(true);
    const storing = cluster.outcome(cluster.store(CHUNK.bytes, { frameBytes: FRAME_BYTES }));
    for (let turn = 0; turn < 200; turn++) await cluster.clock.advance(0);
    cluster.network.cut(last.address);
    const stored = await storing;
    expect(stored.receipts.map((receipt) => receipt.nodeNumber)).toEqual([1, 2]);
    expect(stored.failures).toMatchObject([{ nodeNumber: 3, reason: "peerGone" }]);
    last.store.letWrite(Number.POSITIVE_INFINITY);
    last.store.holdCommits(false);
    await cluster.clock.advance(100);
    expect(cluster.nodes.map((node) => node.store.openPuts)).toEqual([0, 0, 0]);
  }
});

test("a replica that takes nothing is dropped after the stall time, not before", async () => {
  await using cluster = await Trial.open(3, { replicaStallMs: 3000 });
  cluster.node(3).store.letWrite(0);
  const chunk = sampleChunk(6 * MIB, 6);
  let isDone = false;
  const storing = cluster.store(chunk.bytes).finally(() => {
    isDone = true;
  });
  for (let turn = 0; turn < 200; turn++) await cluster.clock.advance(0);
  await cluster.clock.advance(2990);
  expect(isDone).toBe(false);
  const stored = await cluster.outcome(storing, 2000);
  expect(stored.receipts.map((receipt) => receipt.nodeNumber)).toEqual([1, 2]);
  expect(stored.failures).toMatchObject([{ nodeNumber: 3, reason: "stalled" }]);
});

test("a straggler at the commit has the grace time and no more once the quorum is durable", async () => {
  await using cluster = await Trial.open(3, { replicaGraceMs: 1000, replicaStallMs: 60_000 });
  cluster.node(3).store.holdCommits(true);
  const startedMs = cluster.clock.monotonicMs();
  const stored = await cluster.outcome(cluster.store(CHUNK.bytes));
  const passedMs = cluster.clock.monotonicMs() - startedMs;
  expect(stored.failures).toMatchObject([{ nodeNumber: 3, reason: "stalled" }]);
  expect(passedMs).toBeGreaterThanOrEqual(1000);
  expect(passedMs).toBeLessThan(1500);
});

test("a slow replica slows the sender, and what is in flight stays within the window", async () => {
  await using cluster = await Trial.open(3);
  const slow = cluster.node(3).store;
  slow.letWrite(0);
  let sentBytes = 0;
  const chunk = sampleChunk(16 * MIB, 5);
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of piecesOf(chunk.bytes, 2 * BLOCK_BYTES)) {
      sentBytes += piece.byteLength;
      yield piece;
    }
  }
  const storing = cluster.store(counted(), { frameBytes: FRAME_BYTES });
  storing.catch(() => undefined);
  const slack = 2 * FRAME_BYTES;
  for (let writable = 0; writable < 16 * MIB; writable += MIB) {
    slow.letWrite(writable);
    for (let turn = 0; turn < 100; turn++) await cluster.clock.advance(0);
    // One more window is on its way between the primary and the replica's disk at most.
    expect(sentBytes).toBeLessThanOrEqual(writable + 4 * MIB + slack);
    expect(cluster.node(1).store.writtenBytes).toBeLessThanOrEqual(writable + 4 * MIB + slack);
  }
  slow.letWrite(Number.POSITIVE_INFINITY);
  const stored = await cluster.outcome(storing);
  expect(stored.receipts).toHaveLength(3);
});

test("the primary's own disk decides: full before, full in the middle, or failing", async () => {
  await using cluster = await Trial.open(3);
  const own = cluster.node(1).store;
  const tooLong = cluster.store(sampleChunk(100).bytes, {
    lengthBytes: 100,
    lengthLimitBytes: 512 * MIB,
    replicaNodeNumbers: [2, 3],
  });
  await expect(tooLong).resolves.toMatchObject({ lengthBytes: 100 });

  own.failWrites(new CairnError("storeFull", "the disk is full"), MIB);
  await expect(
    cluster.outcome(cluster.store(CHUNK.bytes, { frameBytes: FRAME_BYTES })),
  ).rejects.toMatchObject({ reason: "storeFull" });
  await expectHeldBy(cluster, []);
  for (let turn = 0; turn < 100; turn++) await cluster.clock.advance(0);
  expect(cluster.nodes.map((node) => node.store.openPuts)).toEqual([0, 0, 0]);

  own.failWrites(new CairnError("storeFailed", "EIO"), 0);
  await expect(cluster.outcome(cluster.store(CHUNK.bytes))).rejects.toMatchObject({
    reason: "storeFailed",
  });
  own.failWrites(undefined);
  await expect(cluster.store(CHUNK.bytes), "the disk has failed to write").rejects.toMatchObject({
    reason: "storeFailed",
  });
  await cluster.clock.advance(60_000);
  expect((await cluster.store(CHUNK.bytes)).receipts, "a probe went well").toHaveLength(3);
});

test("a node without room says storeFull before it takes a byte", async () => {
  await using cluster = await Trial.open(1);
  await cluster.add();
  const filler = sampleChunk(MIB, 3);
  const big = await cluster
    .store(filler.bytes, { lengthLimitBytes: 512 * MIB, writeQuorum: 1 })
    .then(() => undefined);
  expect(big).toBeUndefined();
  const twice = await Promise.allSettled(
    [1, 2, 3].map((seed) =>
      cluster.store(sampleChunk(MIB, 10 + seed).bytes, {
        lengthLimitBytes: 512 * MIB,
        replicaNodeNumbers: [],
        writeQuorum: 1,
      }),
    ),
  );
  const reasons = twice.map((each) => (each.status === "rejected" ? each.reason.reason : "ok"));
  expect(reasons).toContain("storeFull");
});

/** A StoreChunk call message by message. */
async function sendRaw(
  cluster: TrialCluster,
  messages: readonly StoreChunkRequest[],
): Promise<StoreChunkResponse[]> {
  async function* requests(): AsyncGenerator<StoreChunkRequest> {
    yield* messages;
  }
  const responses: StoreChunkResponse[] = [];
  for await (const response of cluster.node(1).client.storeChunk(requests())) {
    responses.push(response);
  }
  return responses;
}

interface RawOpen {
  readonly sessionId?: Uint8Array;
  readonly chunkId?: Uint8Array;
  readonly lengthBytes?: bigint;
  readonly lengthLimitBytes?: bigint;
  readonly replicaNodeNumbers?: number[];
  readonly writeQuorum?: number;
  readonly isIdVerified?: boolean;
}

function openOf(changes: RawOpen = {}): StoreChunkRequest {
  return create(StoreChunkRequestSchema, {
    step: {
      case: "open",
      value: {
        sessionId: SESSION_ID,
        lengthLimitBytes: BigInt(4 * MIB),
        replicaNodeNumbers: [2, 3],
        writeQuorum: 2,
        epoch: 1n,
        ...changes,
      },
    },
  });
}

function frameOf(
  offset: number,
  data: Uint8Array,
  changes: {
    isFinal?: boolean;
    blockChecksums?: number[];
    chunkId?: Uint8Array;
    forwardMac?: Uint8Array;
  } = {},
): StoreChunkRequest {
  const value = create(ChunkDataStreamSchema, {
    offsetBytes: BigInt(offset),
    data,
    blockChecksums: blockChecksums(data),
    ...changes,
  });
  return create(StoreChunkRequestSchema, { step: { case: "data", value } });
}

const SMALL = sampleChunk(2 * BLOCK_BYTES, 4);
const SMALL_ID = chunkIdToBytes(SMALL.id);
const first = SMALL.bytes.subarray(0, BLOCK_BYTES);
const second = SMALL.bytes.subarray(BLOCK_BYTES);

test.each([
  ["no message", [], "invalidArgument"],
  ["data before the open", [frameOf(0, first)], "invalidArgument"],
  ["a second open", [openOf(), openOf()], "invalidArgument"],
  ["a session id of 15 bytes", [openOf({ sessionId: new Uint8Array(15) })], "invalidArgument"],
  ["a chunk id of 31 bytes", [openOf({ chunkId: new Uint8Array(31) })], "invalidArgument"],
  ["no limit", [openOf({ lengthLimitBytes: 0n })], "invalidArgument"],
  ["a limit over 512 MiB", [openOf({ lengthLimitBytes: 2n ** 29n + 1n })], "invalidArgument"],
  [
    "a limit below the length",
    [openOf({ lengthBytes: 9n, lengthLimitBytes: 8n })],
    "invalidArgument",
  ],
  ["a length beyond numbers", [openOf({ lengthBytes: 2n ** 60n })], "invalidArgument"],
  ["no quorum", [openOf({ writeQuorum: 0 })], "invalidArgument"],
  ["a quorum above the copies", [openOf({ writeQuorum: 4 })], "invalidArgument"],
  ["a replica twice", [openOf({ replicaNodeNumbers: [2, 2] })], "invalidArgument"],
  ["itself as a replica", [openOf({ replicaNodeNumbers: [1, 2] })], "invalidArgument"],
  [
    "too many replicas",
    [openOf({ replicaNodeNumbers: Array.from({ length: 16 }, (_, at) => at + 2) })],
    "invalidArgument",
  ],
  ["a gap", [openOf(), frameOf(BLOCK_BYTES, first)], "invalidArgument"],
  ["an overlap", [openOf(), frameOf(0, first), frameOf(0, second)], "invalidArgument"],
  ["no final frame", [openOf(), frameOf(0, first)], "invalidArgument"],
  [
    "no id at all",
    [openOf(), frameOf(0, first), frameOf(BLOCK_BYTES, second, { isFinal: true })],
    "invalidArgument",
  ],
  [
    "a wrong checksum",
    [
      openOf(),
      frameOf(0, first, { blockChecksums: [1] }),
      frameOf(BLOCK_BYTES, second, { isFinal: true, chunkId: SMALL_ID }),
    ],
    "chunkMismatch",
  ],
  [
    "another id at the end than in the open",
    [
      openOf({ chunkId: SMALL_ID }),
      frameOf(0, SMALL.bytes, { isFinal: true, chunkId: new Uint8Array(32) }),
    ],
    "chunkMismatch",
  ],
  [
    "an id that is not that of the bytes",
    [openOf(), frameOf(0, SMALL.bytes, { isFinal: true, chunkId: new Uint8Array(32) })],
    "chunkMismatch",
  ],
  [
    "more bytes than announced",
    [openOf({ lengthBytes: 5n }), frameOf(0, SMALL.bytes, { isFinal: true, chunkId: SMALL_ID })],
    "chunkMismatch",
  ],
  [
    "fewer bytes than announced",
    [
      openOf({ lengthBytes: BigInt(3 * BLOCK_BYTES) }),
      frameOf(0, SMALL.bytes, { isFinal: true, chunkId: SMALL_ID }),
    ],
    "chunkMismatch",
  ],
  [
    "a chunk without bytes",
    [openOf(), frameOf(0, new Uint8Array(0), { isFinal: true, chunkId: SMALL_ID })],
    "chunkMismatch",
  ],
])("%s is refused, and no node keeps anything", async (_what, messages, reason) => {
  await using cluster = await Trial.open(3);
  await expect(cluster.outcome(sendRaw(cluster, messages))).rejects.toMatchObject({ reason });
  for (let turn = 0; turn < 50; turn++) await cluster.clock.advance(0);
  for (const node of cluster.nodes) {
    expect(node.store.openPuts).toBe(0);
    expect(await node.store.list(undefined, 10)).toEqual([]);
  }
});

test("a replica relies for the id on a node that proves that it forwards, and on itself for the blocks", async () => {
  await using cluster = await Trial.open(1);
  const wrongId = new Uint8Array(32).fill(3);
  const open = { replicaNodeNumbers: [], writeQuorum: 1, isIdVerified: true };
  const forwardMac = makeForwardMac(cluster.coordinator.forwardKey, {
    sessionId: SESSION_ID,
    chunkId: chunkIdFromBytes(wrongId),
    lengthBytes: SMALL.bytes.byteLength,
    epoch: 1,
    nodeNumber: 1,
  });
  const final = { isFinal: true, chunkId: wrongId, forwardMac };
  const responses = await sendRaw(cluster, [openOf(open), frameOf(0, SMALL.bytes, final)]);
  expect(responses.at(-1)?.step.case).toBe("result");
  // Whole readings find what the forwarding node should have.
  const verdict = await cluster.node(1).client.verifyChunk({ chunkId: wrongId });
  expect(verdict.outcome).toBe(VerifyOutcome.CORRUPT);
  const wrongBlock = frameOf(0, SMALL.bytes, { ...final, blockChecksums: [1, 2] });
  await expect(sendRaw(cluster, [openOf(open), wrongBlock])).rejects.toMatchObject({
    reason: "chunkMismatch",
  });
});

test("the smallest and an odd chunk are stored, with an empty final frame too", async () => {
  await using cluster = await Trial.open(3);
  const one = sampleChunk(1, 8);
  expect((await cluster.store(one.bytes)).chunkId).toBe(one.id);
  const responses = await sendRaw(cluster, [
    openOf(),
    frameOf(0, first),
    frameOf(BLOCK_BYTES, second),
    frameOf(2 * BLOCK_BYTES, new Uint8Array(0), { isFinal: true, chunkId: SMALL_ID }),
  ]);
  expect(responses.at(-1)?.step.case).toBe("result");
  expect((await cluster.node(3).store.info(SMALL.id))?.lengthBytes).toBe(SMALL.bytes.byteLength);
});

test("a chunk that all nodes hold is answered without its bytes, and its copies get the new epoch", async () => {
  await using cluster = await Trial.open(3);
  await cluster.store(CHUNK.bytes, { epoch: 3 });
  const before = cluster.nodes.map((node) => node.store.writtenBytes);
  const chunkId = CHUNK.id;
  const again = await cluster.store(CHUNK.bytes, { chunkId, epoch: 9 });
  expect(again.receipts).toHaveLength(3);
  for (const { nodeNumber, mac } of again.receipts) {
    const lengthBytes = CHUNK.bytes.byteLength;
    const fields = { sessionId: SESSION_ID, chunkId, lengthBytes, epoch: 9, nodeNumber };
    expect(cluster.coordinator.isReceiptValid(fields, mac)).toBe(true);
  }
  expect(cluster.nodes.map((node) => node.store.writtenBytes)).toEqual(before);
  for (const node of cluster.nodes) expect((await node.store.info(chunkId))?.epoch).toBe(9);
  // A deletion that was decided before spares them.
  for (const node of cluster.nodes) {
    expect(await node.store.delete(chunkId, 8)).toBe(true);
    expect((await node.store.info(chunkId))?.epoch).toBe(9);
  }
});

test("a chunk that one node lacks is sent there, whoever holds it already", async () => {
  for (const missing of [1, 2, 3]) {
    await using cluster = await Trial.open(3);
    await cluster.store(CHUNK.bytes);
    await cluster.node(missing).store.delete(CHUNK.id, 1);
    const stored = await cluster.store(CHUNK.bytes, { chunkId: CHUNK.id, epoch: 2 });
    expect(stored.receipts.map((receipt) => receipt.nodeNumber)).toEqual([1, 2, 3]);
    await expectHeldBy(cluster, [1, 2, 3]);
    for (const node of cluster.nodes) expect((await node.store.info(CHUNK.id))?.epoch).toBe(2);
  }
});

test("a client that goes away in the middle leaves nothing behind on any node", async () => {
  await using cluster = await Trial.open(3);
  const controller = new AbortController();
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield CHUNK.bytes;
    await new Promise(() => undefined);
  }
  const storing = cluster.store(endless(), { signal: controller.signal, frameBytes: FRAME_BYTES });
  storing.catch(() => undefined);
  for (let turn = 0; turn < 100; turn++) await cluster.clock.advance(0);
  expect(cluster.nodes.map((node) => node.store.openPuts)).toEqual([1, 1, 1]);
  controller.abort();
  await expect(storing).rejects.toMatchObject({ reason: "cancelled" });
  for (let turn = 0; turn < 100; turn++) await cluster.clock.advance(0);
  expect(cluster.nodes.map((node) => node.store.openPuts)).toEqual([0, 0, 0]);
  await expectHeldBy(cluster, []);
});

test("a client that stays but sends nothing more is given up after the receive time", async () => {
  await using cluster = await Trial.open(3, { receiveStallMs: 20_000 });
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield CHUNK.bytes;
    await new Promise(() => undefined);
  }
  const storing = cluster.store(endless(), { frameBytes: FRAME_BYTES });
  await expect(cluster.outcome(storing)).rejects.toMatchObject({ reason: "stalled" });
  for (let turn = 0; turn < 100; turn++) await cluster.clock.advance(0);
  expect(cluster.nodes.map((node) => node.store.openPuts)).toEqual([0, 0, 0]);
});

test("a sender that ignores the window is held up by the transport instead of filling memory", async () => {
  await using cluster = await Trial.open(1);
  const { store, client } = cluster.node(1);
  store.letWrite(0);
  let sentBytes = 0;
  async function* flood(): AsyncGenerator<StoreChunkRequest> {
    yield openOf({ lengthLimitBytes: BigInt(64 * MIB), replicaNodeNumbers: [], writeQuorum: 1 });
    for (; sentBytes < 60 * MIB; sentBytes += MIB) yield frameOf(sentBytes, new Uint8Array(MIB));
  }
  const responses = client.storeChunk(flood())[Symbol.asyncIterator]();
  const first = responses.next();
  for (let turn = 0; turn < 300; turn++) await cluster.clock.advance(0);
  expect(sentBytes).toBeGreaterThanOrEqual(4 * MIB);
  expect(sentBytes).toBeLessThanOrEqual(8 * MIB);
  store.release();
  await first;
  await responses.return?.();
});

test("streams beyond the memory of the node wait for their turn, and are told so", async () => {
  // A third of the budget is for streams that clients open: two windows of 4 MiB.
  await using cluster = await Trial.open(3, { bufferBudgetBytes: 24 * MIB });
  const own = cluster.node(1).store;
  own.letWrite(0);
  const chunks = [1, 2, 3, 4].map((seed) => sampleChunk(5 * MIB, 20 + seed));
  const options = { frameBytes: FRAME_BYTES, lengthBytes: 5 * MIB };
  const storing = chunks.map((chunk) => cluster.store(chunk.bytes, options));
  for (let turn = 0; turn < 300; turn++) await cluster.clock.advance(0);
  expect(own.openPuts).toBe(2);
  own.letWrite(Number.POSITIVE_INFINITY);
  const stored = await cluster.outcome(Promise.all(storing));
  expect(stored.map((each) => each.receipts.length)).toEqual([3, 3, 3, 3]);
});

test("a chunk of 12 MiB goes through windows of 4 MiB on every node", async () => {
  await using cluster = await Trial.open(3);
  const chunk = sampleChunk(12 * MIB, 30);
  let acked = 0;
  let farthestAhead = 0;
  let sentBytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of piecesOf(chunk.bytes, FRAME_BYTES)) {
      sentBytes += piece.byteLength;
      farthestAhead = Math.max(farthestAhead, sentBytes - acked);
      yield piece;
    }
  }
  const stored = await cluster.store(counted(), {
    frameBytes: FRAME_BYTES,
    onProgress: (bytes) => {
      acked = bytes;
    },
  });
  expect(stored.receipts).toHaveLength(3);
  expect(farthestAhead).toBeLessThanOrEqual(4 * MIB + 2 * FRAME_BYTES);
});

test("nodes whose clients' streams need each other's memory do not wait for each other for ever", async () => {
  await using cluster = await Trial.open(2, { bufferBudgetBytes: 8 * MIB, replicaStallMs: 5000 });
  const storing = [1, 2].flatMap((primary) =>
    [1, 2, 3].map((turn) =>
      storeChunk(
        cluster.node(primary).client,
        piecesOf(sampleChunk(5 * MIB, 50 + turn).bytes, MIB),
        {
          clock: cluster.clock,
          sessionId: SESSION_ID,
          epoch: 1,
          writeQuorum: 2,
          replicaNodeNumbers: [3 - primary],
          lengthBytes: 5 * MIB,
        },
      ),
    ),
  );
  const stored = await cluster.outcome(Promise.all(storing));
  expect(stored.map((each) => each.receipts.length)).toEqual([2, 2, 2, 2, 2, 2]);
});

test("more streams than may wait for memory are told to go elsewhere", async () => {
  const admission = new Admission({ totalBytes: 3, waitingMax: 1 });
  const { signal } = new AbortController();
  const first = admission.enter("own", 1, { signal });
  const second = admission.enter("own", 1, { signal });
  expect([first.isWaiting, second.isWaiting]).toEqual([false, true]);
  expect(() => admission.enter("own", 1, { signal })).toThrow(
    expect.objectContaining({ reason: "overloaded" }),
  );
  expect(admission.enter("forwarded", 2, { signal }).isWaiting).toBe(false);
  // Who leaves before its turn leaves its place and nothing else.
  second.release();
  first.release();
  await second.admitted;
  await new Promise(setImmediate);
  expect(admission.usedBytes).toBe(2);
  const third = admission.enter("own", 1, { signal });
  expect(third.isWaiting).toBe(false);
});
