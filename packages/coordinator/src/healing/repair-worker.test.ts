import { CairnError } from "@cairnfs/base/errors";
import { eventually } from "@cairnfs/base/testing/eventually";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { changeChunk } from "../chunks/change-chunk.ts";
import { readCounters } from "../counters.ts";
import { chunks } from "../keyspace.ts";
import { NodeChunkDeleter } from "./node-chunk-deleter.ts";
import { NodeReplicaVerifier } from "./node-replica-verifier.ts";
import { chunkId, HealingCluster, LENGTH_BYTES } from "./testing/healing-cluster.ts";

const never = new AbortController().signal;

test("chunks with too few copies get them, proved by receipts, and the ledger is empty then", async () => {
  const cluster = await HealingCluster.open(4);
  const ids: ChunkId[] = [];
  for (let number = 1; number <= 40; number++) {
    ids.push(await cluster.chunk(number, number % 2 === 0 ? [1, 2] : [1 + (number % 4)]));
  }
  expect(await cluster.debt()).toHaveLength(40);
  await cluster.until(async () => expect(await cluster.debt()).toEqual([]));
  for (const id of ids) {
    const holders = await cluster.holdersOf(id);
    expect(holders).toHaveLength(3);
    for (const nodeNumber of holders) expect(cluster.node(nodeNumber).chunks.has(id)).toBe(true);
  }
  const counters = await cluster.kv.read(readCounters);
  expect(counters).toMatchObject({ debtChunks: 0, debtBytes: 0 });
});

test("a copy is spread away from the holders' zones by the same selector", async () => {
  const cluster = await HealingCluster.open(5);
  const id = await cluster.chunk(1, [1, 2]);
  await cluster.until(async () => expect(await cluster.debt()).toEqual([]));
  const holders = await cluster.holdersOf(id);
  expect(holders.slice(0, 2)).toEqual([1, 2]);
});

test("the chunk with the fewest copies comes first", async () => {
  const cluster = await HealingCluster.open(4);
  for (let number = 1; number <= 20; number++) await cluster.chunk(number, [1, 2]);
  const urgent = await cluster.chunk(99, [1]);
  await cluster.healing.repair.step(never);
  await cluster.healing.repair.settled();
  expect(await cluster.holdersOf(urgent)).toHaveLength(2);
});

test("a node that fails is passed over for another", async () => {
  const cluster = await HealingCluster.open(4);
  const id = await cluster.chunk(1, [1, 2]);
  const failing = cluster.placements.placeCopy({
    seed: Buffer.from(id, "hex"),
    chunkSizeBytes: LENGTH_BYTES,
    holders: [1, 2],
    excluded: new Set(),
  });
  cluster.node(failing ?? 0).failure = new CairnError("storeFull", "no room");
  const other = failing === 3 ? 4 : 3;
  await cluster.until(async () => expect(await cluster.holdersOf(id)).toEqual([1, 2, other]));
});

test("a copy whose node does not prove it is not recorded", async () => {
  const cluster = await HealingCluster.open(3);
  const id = await cluster.chunk(1, [1, 2]);
  const { receiptKey } = cluster.node(3);
  cluster.node(3).receiptKey = Buffer.alloc(32, 1);
  await cluster.until(async () => expect(cluster.node(3).chunks.has(id)).toBe(true));
  expect(await cluster.holdersOf(id)).toEqual([1, 2]);
  expect(await cluster.debt()).toEqual([[2, id]]);
  cluster.node(3).receiptKey = receiptKey;
  await cluster.until(async () => expect(await cluster.holdersOf(id)).toEqual([1, 2, 3]));
});

test("copies that their nodes do not have after all are taken out of the record", async () => {
  const cluster = await HealingCluster.open(5);
  const id = await cluster.chunk(1, [2], [1, 2]);
  cluster.node(2).chunks.delete(id);
  cluster.node(2).chunks.set(id, { lengthBytes: LENGTH_BYTES, epoch: 1, isCorrupt: true });
  await cluster.until(async () => expect(await cluster.holdersOf(id)).toEqual([]));
  expect(await cluster.debt()).toEqual([[0, id]]);
  // The corrupt one is kept for inspection by its node, and no longer counts.
  expect(cluster.node(2).chunks.get(id)?.isCorrupt).toBe(true);
});

test("of two sources the intact one is used, and the copy is on three nodes in the end", async () => {
  const cluster = await HealingCluster.open(4);
  const id = await cluster.chunk(1, [2], [1, 2]);
  await cluster.until(async () => expect(await cluster.debt()).toEqual([]));
  expect(await cluster.holdersOf(id)).toHaveLength(3);
});

test("a lost chunk stays in the ledger under no copies, and leaves it when its holders come back", async () => {
  const cluster = await HealingCluster.open(4);
  const id = await cluster.chunk(1, [1, 2]);
  await cluster.membership.silence(60_000);
  await cluster.until(async () => expect(await cluster.debt()).toEqual([[0, id]]));
  for (const node of cluster.nodes) await node.beat();
  cluster.healing.repair.wake();
  await cluster.until(async () => expect(await cluster.debt()).toEqual([]));
  expect(await cluster.holdersOf(id)).toHaveLength(3);
});

test("when no node can take one more copy the worker rests longer and longer, until it is woken", async () => {
  const cluster = await HealingCluster.open(2);
  const id = await cluster.chunk(1, [1, 2]);
  let reads = 0;
  const { kv, clock } = cluster.membership;
  const read = kv.read.bind(kv);
  kv.read = (body) => {
    reads += 1;
    return read(body);
  };
  const stop = cluster.start([cluster.healing.repair]);
  for (let minute = 0; minute < 60; minute++) await clock.advance(60_000);
  // A pass over one chunk reads three times; sixty minutes have at most so many long pauses.
  expect(reads).toBeLessThan(3 * 140);
  expect(await cluster.debt()).toEqual([[2, id]]);

  cluster.healing.repair.wakeForDebt();
  const readsBefore = reads;
  await clock.advance(1);
  expect(reads).toBe(readsBefore);
  cluster.healing.repair.wake();
  await clock.advance(1);
  expect(reads).toBeGreaterThan(readsBefore);
  await stop();
});

test("without debt the worker sleeps until it is told of some", async () => {
  const cluster = await HealingCluster.open(4);
  const { clock } = cluster.membership;
  const stop = cluster.start([cluster.healing.repair]);
  await clock.advance(10_000);
  const id = await cluster.chunk(1, [1, 2]);
  await clock.advance(1000);
  expect(await cluster.holdersOf(id)).toEqual([1, 2]);
  cluster.healing.repair.wakeForDebt();
  await eventually(async () => {
    await clock.advance(100);
    expect(await cluster.holdersOf(id)).toHaveLength(3);
  }, 4000);
  await stop();
});

test("copies on a node that died are made anew when the delay is over, and not before", async () => {
  const cluster = await HealingCluster.open(5, { repairDelayMs: 300_000 });
  const { clock } = cluster;
  const id = await cluster.chunk(1, [1, 2, 3]);
  const urgent = await cluster.chunk(2, [1, 3, 4]);
  await cluster.kill(3, 4);
  await cluster.until(async () => expect(await cluster.holdersOf(urgent)).toHaveLength(4));
  const stop = cluster.start();
  for (let second = 0; second < 250; second++) await clock.advance(1000);
  expect(await cluster.holdersOf(id)).toEqual([1, 2, 3]);
  expect(cluster.healing.repair.progress).toMatchObject({ waitingChunks: 2, stuckChunks: 0 });
  for (let second = 0; second < 60; second++) await clock.advance(1000);
  await eventually(async () => {
    await clock.advance(1000);
    expect(await cluster.holdersOf(id)).toHaveLength(4);
  }, 4000);
  await stop();
});

test("a node that comes back in time cancels what waits for it, and nothing is copied", async () => {
  const cluster = await HealingCluster.open(5, { repairDelayMs: 300_000 });
  for (let number = 1; number <= 20; number++) await cluster.chunk(number, [1, 2, 3]);
  await cluster.kill(3);
  await cluster.until(async () => expect(await cluster.debt()).toHaveLength(20));
  await cluster.node(3).beat();
  await cluster.until(async () => expect(await cluster.debt()).toEqual([]));
  const stop = cluster.start();
  for (let minute = 0; minute < 10; minute++) await cluster.clock.advance(60_000);
  await stop();
  expect(cluster.healing.repair.progress.copiedBytes).toBe(0);
  expect(cluster.node(4).chunks.size + cluster.node(5).chunks.size).toBe(0);
});

test("a node that comes back ends what is under way for it", async () => {
  const cluster = await HealingCluster.open(5, { repairBytesPerSecond: LENGTH_BYTES / 60 });
  for (let number = 1; number <= 20; number++) await cluster.chunk(number, [1, 2, 3]);
  await cluster.kill(3);
  const stop = cluster.start();
  await eventually(async () => {
    await cluster.clock.advance(100);
    expect(cluster.healing.repair.progress.runningChunks).toBe(3);
    expect(cluster.healing.repair.progress.copiedBytes).toBe(LENGTH_BYTES);
  }, 4000);
  await cluster.node(3).beat();
  await eventually(async () => {
    await cluster.clock.advance(100);
    expect(await cluster.debt()).toEqual([]);
    expect(cluster.healing.repair.progress.runningChunks).toBe(0);
  }, 4000);
  await cluster.clock.advance(600_000);
  expect(cluster.healing.repair.progress.copiedBytes).toBe(LENGTH_BYTES);
  await stop();
});

test("chunks that wait keep the worker from nothing, and are not looked at over and over", async () => {
  const cluster = await HealingCluster.open(5, { repairDelayMs: 3_600_000 });
  for (let number = 1; number <= 500; number++) await cluster.chunk(number, [1, 2, 3]);
  await cluster.kill(3);
  await cluster.until(() => expect(cluster.healing.repair.progress.waitingChunks).toBe(500));
  let reads = 0;
  const { kv } = cluster;
  const read = kv.read.bind(kv);
  kv.read = (body) => {
    reads += 1;
    return read(body);
  };
  const stop = cluster.start([cluster.healing.repair]);
  for (let minute = 0; minute < 20; minute++) await cluster.clock.advance(60_000);
  expect(reads).toBeLessThan(40);
  const fresh = await cluster.chunk(900, [1, 2]);
  cluster.healing.repair.wakeForDebt();
  await eventually(async () => {
    await cluster.clock.advance(1000);
    expect(await cluster.holdersOf(fresh)).toHaveLength(3);
  }, 4000);
  await stop();
  expect(await cluster.debt()).toHaveLength(500);
});

test("repair copies no more bytes a second than its budget", async () => {
  const cluster = await HealingCluster.open(4, { repairBytesPerSecond: LENGTH_BYTES });
  for (let number = 1; number <= 40; number++) await cluster.chunk(number, [1, 2]);
  const stop = cluster.start([cluster.healing.repair]);
  const startedMs = cluster.clock.monotonicMs();
  await eventually(async () => {
    await cluster.clock.advance(250);
    expect(await cluster.debt()).toEqual([]);
  }, 8000);
  // One second's worth may be used at once, and the last copy is paid for after it was made.
  expect(cluster.clock.monotonicMs() - startedMs).toBeGreaterThan(37_000);
  await stop();
});

test("chunks that no node can take cost nothing of the budget", async () => {
  const cluster = await HealingCluster.open(2, { repairBytesPerSecond: LENGTH_BYTES });
  for (let number = 1; number <= 40; number++) await cluster.chunk(number, [1, 2]);
  const startedMs = cluster.clock.monotonicMs();
  await cluster.until(() => expect(cluster.healing.repair.progress.stuckChunks).toBe(40), {
    tickMs: 50,
    workers: [cluster.healing.repair],
  });
  expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(20_000);
});

test("a copy that does not count in the end is not made again and again", async () => {
  const cluster = await HealingCluster.open(3);
  const id = await cluster.chunk(1, [1, 2]);
  let copies = 0;
  const store = cluster.node(3).store.bind(cluster.node(3));
  cluster.node(3).store = (copy) => {
    copies += 1;
    return store(copy);
  };
  // Whatever epoch a copy is made under, a fence is above it.
  await cluster.kv.transact(async (tx) => {
    const record = await chunks.get(tx, id);
    if (record === undefined) throw new Error("the chunk is there");
    changeChunk(tx, id, record, { ...record, fences: [{ nodeNumber: 3, epoch: 1000 }] });
  });
  const stop = cluster.start([cluster.healing.repair]);
  for (let minute = 0; minute < 60; minute++) await cluster.clock.advance(60_000);
  await stop();
  expect(copies).toBeGreaterThan(1);
  expect(copies).toBeLessThan(40);
  expect(await cluster.holdersOf(id)).toEqual([1, 2]);
});

test("copies are verified and deleted by asking their nodes", async () => {
  const cluster = await HealingCluster.open(2);
  const id = await cluster.chunk(1, [1]);
  const verifier = new NodeReplicaVerifier(cluster.calls);
  const deleter = new NodeChunkDeleter(cluster.calls);
  expect(await verifier.verify({ nodeNumber: 1, chunkId: id, lengthBytes: 1 }, never)).toBe(
    "intact",
  );
  expect(await verifier.verify({ nodeNumber: 2, chunkId: id, lengthBytes: 1 }, never)).toBe(
    "missing",
  );
  const all = { nodeNumber: 1, chunkIds: [id, chunkId(2)] };
  await deleter.deleteChunks({ ...all, epochMax: 0 }, never);
  expect(cluster.node(1).chunks.has(id)).toBe(true);
  expect(await deleter.deleteChunks({ ...all, epochMax: 1 }, never)).toEqual([true, true]);
  expect(cluster.node(1).chunks.has(id)).toBe(false);
  expect(await deleter.deleteChunks({ ...all, nodeNumber: 9, epochMax: 1 }, never)).toEqual([
    true,
    true,
  ]);
  await cluster.membership.silence(60_000);
  const dead = deleter.deleteChunks({ ...all, epochMax: 1 }, never);
  await expect(dead).rejects.toMatchObject({ reason: "unreachable" });
});
