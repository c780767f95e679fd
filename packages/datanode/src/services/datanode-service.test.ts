import { Readable } from "node:stream";
import { create } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import { BLOCK_BYTES, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { Health } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { StoreChunkRequestSchema, VerifyOutcome } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { retrieveChunk } from "@cairnfs/protocol/transfer/retrieve-chunk";
import { expect, test } from "vitest";
import {
  pieceOf,
  putChunk,
  readChunk,
  type SampleChunk,
  sampleChunk,
} from "../store/testing/sample-chunk.ts";
import { SESSION_ID, TrialCluster, type TrialNode } from "../testing/trial-cluster.ts";

const CHUNK = sampleChunk(5 * BLOCK_BYTES + 17);

async function readRange(
  cluster: TrialCluster,
  node: TrialNode,
  range: { offsetBytes?: number; lengthBytes?: number; windowBytes?: number } = {},
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const options = { clock: cluster.clock, chunkId: CHUNK.id, ...range };
  for await (const piece of retrieveChunk(node.client, options)) pieces.push(piece);
  return Buffer.concat(pieces);
}

test("a range is served to the byte at the edges of blocks, with a window and without", async () => {
  await using cluster = await TrialCluster.open(1);
  const node = cluster.node(1);
  await putChunk(node.store, CHUNK);
  const edges = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, 2 * BLOCK_BYTES + 1, CHUNK.bytes.length - 1];
  for (const offsetBytes of edges) {
    const restBytes = CHUNK.bytes.length - offsetBytes;
    for (const lengthBytes of [1, BLOCK_BYTES, 2 * BLOCK_BYTES + 1, restBytes]) {
      if (lengthBytes > restBytes) continue;
      for (const windowBytes of [0, BLOCK_BYTES]) {
        const read = await readRange(cluster, node, { offsetBytes, lengthBytes, windowBytes });
        const wanted = CHUNK.bytes.subarray(offsetBytes, offsetBytes + lengthBytes);
        expect(Buffer.compare(read, wanted)).toBe(0);
      }
    }
  }
});

test("what is not here and ranges that leave the chunk are refused", async () => {
  await using cluster = await TrialCluster.open(1);
  const node = cluster.node(1);
  await expect(readRange(cluster, node)).rejects.toMatchObject({ reason: "chunkNotFound" });
  await putChunk(node.store, CHUNK);
  const length = CHUNK.bytes.length;
  for (const range of [
    { offsetBytes: length },
    { offsetBytes: length + 5 },
    { offsetBytes: length - 1, lengthBytes: 2 },
  ]) {
    await expect(readRange(cluster, node, range)).rejects.toMatchObject({
      reason: "rangeNotSatisfiable",
    });
  }
});

test("a reader finds a copy that has rotted, and verifying quarantines it", async () => {
  await using cluster = await TrialCluster.open(1);
  const node = cluster.node(1);
  await putChunk(node.store, CHUNK);
  const chunkId = chunkIdToBytes(CHUNK.id);
  expect((await node.client.verifyChunk({ chunkId })).outcome).toBe(VerifyOutcome.INTACT);
  node.store.corrupt(CHUNK.id, 3 * BLOCK_BYTES);
  await expect(readRange(cluster, node)).rejects.toMatchObject({
    reason: "chunkCorrupt",
    details: { blockOffsetBytes: 3 * BLOCK_BYTES },
  });
  const verdict = await node.client.verifyChunk({ chunkId });
  expect(verdict).toMatchObject({
    outcome: VerifyOutcome.CORRUPT,
    lengthBytes: BigInt(CHUNK.bytes.length),
  });
  expect((await node.client.verifyChunk({ chunkId })).outcome).toBe(VerifyOutcome.MISSING);
  await expect(readRange(cluster, node)).rejects.toMatchObject({ reason: "chunkNotFound" });
});

test("a reader with a window that takes nothing more is given up", async () => {
  await using cluster = await TrialCluster.open(1, { readerStallMs: 5000 });
  const node = cluster.node(1);
  const chunk = sampleChunk(8 * 1024 * 1024, 3);
  await putChunk(node.store, chunk);
  const options = { clock: cluster.clock, chunkId: chunk.id, windowBytes: BLOCK_BYTES };
  const reading = retrieveChunk(node.client, options);
  await reading.next();
  for (let turn = 0; turn < 20; turn++) await cluster.clock.advance(0);
  await cluster.clock.advance(5001);
  const rest = (async () => {
    while (!(await reading.next()).done);
  })();
  await expect(rest).rejects.toMatchObject({ reason: "stalled" });
});

test("a stream whose first message does not come is given up", async () => {
  await using cluster = await TrialCluster.open(1, { readerStallMs: 5000, receiveStallMs: 7000 });
  const { client } = cluster.node(1);
  const calls = [client.retrieveChunk(silence()), client.storeChunk(silence())];
  const outcomes = calls.map((call) => call[Symbol.asyncIterator]().next().catch(reasonOf));
  for (let turn = 0; turn < 20; turn++) await cluster.clock.advance(0);
  await cluster.clock.advance(7001);
  expect(await Promise.all(outcomes)).toEqual(["stalled", "stalled"]);
});

function reasonOf(error: unknown): string {
  return error instanceof CairnError ? error.reason : String(error);
}

function silence(): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };
}

function replicating(chunk: SampleChunk, sourceNodeNumbers: number[], epoch = 4n) {
  return {
    chunkId: chunkIdToBytes(chunk.id),
    lengthBytes: BigInt(chunk.bytes.length),
    sourceNodeNumbers,
    epoch,
    sessionId: SESSION_ID,
  };
}

test("a chunk is fetched from the next source when one is away, lacks it, or has a corrupt copy", async () => {
  await using cluster = await TrialCluster.open(5);
  for (const number of [3, 4, 5]) await putChunk(cluster.node(number).store, CHUNK);
  cluster.network.cut(cluster.node(3).address);
  cluster.node(4).store.corrupt(CHUNK.id, BLOCK_BYTES);
  const target = cluster.node(1);
  const call = target.client.replicateChunk(replicating(CHUNK, [3, 2, 4, 5]));
  const { receipt } = await cluster.outcome(call);
  expect(Buffer.compare(await readChunk(target.store, CHUNK), CHUNK.bytes)).toBe(0);
  expect((await target.store.info(CHUNK.id))?.epoch).toBe(4);
  const fields = {
    sessionId: SESSION_ID,
    chunkId: CHUNK.id,
    lengthBytes: CHUNK.bytes.length,
    epoch: 4,
    nodeNumber: 1,
  };
  expect(cluster.coordinator.isReceiptValid(fields, receipt?.mac ?? new Uint8Array(0))).toBe(true);
  expect(
    cluster.coordinator.reports.map((report) => [toHex(report.chunkId), report.nodeNumber]),
  ).toEqual([[CHUNK.id, 4]]);
  expect(target.store.openPuts).toBe(0);
});

test("a chunk that no source gives is unavailable, and nothing of it stays", async () => {
  await using cluster = await TrialCluster.open(3);
  const target = cluster.node(1);
  await putChunk(cluster.node(2).store, CHUNK);
  cluster.node(2).store.corrupt(CHUNK.id, 0);
  const call = cluster.outcome(target.client.replicateChunk(replicating(CHUNK, [2, 3])));
  await expect(call).rejects.toMatchObject({ reason: "chunkUnavailable" });
  await expect(call).rejects.toThrow(/node 2: chunkCorrupt.*node 3: chunkNotFound/u);
  expect(target.store.openPuts).toBe(0);
  expect(await target.store.list(undefined, 1)).toEqual([]);
});

test("a copy that is here already and intact is claimed, not fetched", async () => {
  await using cluster = await TrialCluster.open(2);
  const target = cluster.node(1);
  await putChunk(target.store, CHUNK);
  const before = target.store.writtenBytes;
  await target.client.replicateChunk(replicating(CHUNK, [2], 6n));
  expect(target.store.writtenBytes).toBe(before);
  expect((await target.store.info(CHUNK.id))?.epoch).toBe(6);
});

test("a copy that is here already and not what was written is set aside, and fetched anew", async () => {
  await using cluster = await TrialCluster.open(2);
  const target = cluster.node(1);
  await putChunk(target.store, CHUNK);
  await putChunk(cluster.node(2).store, CHUNK);
  target.store.corrupt(CHUNK.id, 0);
  await cluster.outcome(target.client.replicateChunk(replicating(CHUNK, [2], 6n)));
  expect(Buffer.compare(await readChunk(target.store, CHUNK), CHUNK.bytes)).toBe(0);
  expect(await target.store.verify(CHUNK.id, new AbortController().signal)).toBe("intact");
  expect((await target.store.info(CHUNK.id))?.epoch).toBe(6);
});

test("replication refuses what makes no sense", async () => {
  await using cluster = await TrialCluster.open(2);
  const { client } = cluster.node(1);
  const good = replicating(CHUNK, [2]);
  for (const wrong of [
    { sessionId: new Uint8Array(3) },
    { chunkId: new Uint8Array(3) },
    { lengthBytes: 0n },
    { lengthBytes: 2n ** 29n + 1n },
    { sourceNodeNumbers: [] },
    { sourceNodeNumbers: [1] },
  ]) {
    await expect(client.replicateChunk({ ...good, ...wrong })).rejects.toMatchObject({
      reason: "invalidArgument",
    });
  }
});

test("deletion spares copies from after the fence, and says that those before it are gone", async () => {
  await using cluster = await TrialCluster.open(1);
  const { client, store } = cluster.node(1);
  const [old, young, absent] = [sampleChunk(10, 1), sampleChunk(10, 2), sampleChunk(10, 3)];
  await putChunk(store, old, { epoch: 5 });
  await putChunk(store, young, { epoch: 6 });
  const chunkIds = [old, young, absent].map((chunk) => chunkIdToBytes(chunk.id));
  expect((await client.deleteChunks({ chunkIds, epochMax: 5n })).gone).toEqual([true, true, true]);
  expect((await store.list(undefined, 10)).map((info) => info.id)).toEqual([young.id]);
});

test("a copy that the disk cannot delete is not gone, and the others of the call are", async () => {
  await using cluster = await TrialCluster.open(1);
  const { client, store } = cluster.node(1);
  const [first, bad, last] = [sampleChunk(10, 1), sampleChunk(10, 2), sampleChunk(10, 3)];
  for (const chunk of [first, bad, last]) await putChunk(store, chunk, { epoch: 5 });
  store.failDeletions(bad.id, new CairnError("storeFailed", "the disk cannot delete it"));
  const chunkIds = [first, bad, last].map((chunk) => chunkIdToBytes(chunk.id));
  expect((await client.deleteChunks({ chunkIds, epochMax: 5n })).gone).toEqual([true, false, true]);
  expect((await store.list(undefined, 10)).map((info) => info.id)).toEqual([bad.id]);
});

test("who asks with a session gets receipts, and the copies are safe from older deletions", async () => {
  await using cluster = await TrialCluster.open(1);
  const { client, store } = cluster.node(1);
  await putChunk(store, CHUNK, { epoch: 1 });
  const chunkIds = [CHUNK, sampleChunk(3)].map((chunk) => chunkIdToBytes(chunk.id));
  const plain = await client.hasChunks({ chunkIds });
  expect(plain.chunks.map((chunk) => [chunk.isHeld, chunk.receipt])).toEqual([
    [true, undefined],
    [false, undefined],
  ]);
  expect((await store.info(CHUNK.id))?.epoch).toBe(1);
  const claimed = await client.hasChunks({ chunkIds, sessionId: SESSION_ID, epoch: 3n });
  expect(claimed.chunks.map((chunk) => chunk.receipt?.nodeNumber)).toEqual([1, undefined]);
  expect((await client.deleteChunks({ chunkIds, epochMax: 2n })).gone).toEqual([true, true]);
  expect((await store.info(CHUNK.id))?.epoch).toBe(3);
});

test("who asks is told when a copy was last verified, and 0 for one that was not since it was stored", async () => {
  await using cluster = await TrialCluster.open(1);
  const { client, store } = cluster.node(1);
  await putChunk(store, CHUNK);
  const chunkIds = [chunkIdToBytes(CHUNK.id)];
  expect((await client.hasChunks({ chunkIds })).chunks[0]?.verifiedMs).toBe(0n);
  await client.verifyChunk({ chunkId: chunkIdToBytes(CHUNK.id) });
  const verifiedMs = BigInt(cluster.clock.now());
  expect((await client.hasChunks({ chunkIds })).chunks[0]?.verifiedMs).toBe(verifiedMs);
  const claimed = await client.hasChunks({ chunkIds, sessionId: SESSION_ID, epoch: 3n });
  expect(claimed.chunks[0]?.verifiedMs).toBe(verifiedMs);
});

test("the inventory comes in pages in the order of ids", async () => {
  await using cluster = await TrialCluster.open(1);
  const { client, store } = cluster.node(1);
  const ids = [];
  for (let seed = 1; seed <= 7; seed++) ids.push((await putChunk(store, sampleChunk(9, seed))).id);
  const listed: string[] = [];
  let afterChunkId = new Uint8Array(0);
  let pages = 0;
  do {
    const page = await client.listChunks({ afterChunkId, limit: 3 });
    listed.push(...page.chunks.map((chunk) => toHex(chunk.chunkId)));
    afterChunkId = Uint8Array.from(page.nextAfter);
    pages += 1;
  } while (afterChunkId.length > 0);
  expect(listed).toEqual(ids.sort());
  expect(pages).toBe(3);
});

test("batches and pages over their limits are refused with what was expected", async () => {
  await using cluster = await TrialCluster.open(1);
  const { client } = cluster.node(1);
  const chunkIds = Array.from({ length: 1001 }, () => new Uint8Array(32));
  await expect(client.hasChunks({ chunkIds })).rejects.toThrow("expected at most 1000");
  await expect(client.deleteChunks({ chunkIds })).rejects.toThrow("expected at most 1000");
  expect((await client.hasChunks({ chunkIds: chunkIds.slice(1) })).chunks).toHaveLength(1000);
  await expect(client.listChunks({ limit: 10_001 })).rejects.toThrow("expected at most 10000");
  expect((await client.listChunks({ limit: 10_000 })).chunks).toEqual([]);
  await expect(client.hasChunks({ chunkIds: [new Uint8Array(1)] })).rejects.toThrow("32 bytes");
  await expect(client.hasChunks({ sessionId: new Uint8Array(1) })).rejects.toThrow("16 bytes");
});

test("an epoch of more than 48 bits is refused wherever one comes in, and changes nothing", async () => {
  await using cluster = await TrialCluster.open(2);
  const { client, store } = cluster.node(1);
  await putChunk(store, CHUNK, { epoch: 1 });
  const [epoch, chunkId, sessionId] = [2n ** 48n, chunkIdToBytes(CHUNK.id), SESSION_ID];
  const refused = { reason: "invalidArgument", message: expect.stringContaining("epoch") };
  const chunk = { sessionId, chunkId, epoch };
  const { blockChecksums } = pieceOf(CHUNK.bytes);
  const whole = {
    ...chunk,
    writeQuorum: 1,
    blockChecksums: [...blockChecksums],
    data: CHUNK.bytes,
  };
  const calls = [
    () => client.hasChunks({ chunkIds: [chunkId], sessionId, epoch }),
    () => client.replicateChunk({ ...replicating(CHUNK, [2]), epoch }),
    () => client.putChunk(whole),
    () => storeChunk(client, chunk),
  ];
  for (const call of calls) await expect(call()).rejects.toMatchObject(refused);
  expect((await store.info(CHUNK.id))?.epoch).toBe(1);
  await client.hasChunks({ chunkIds: [chunkId], sessionId, epoch: epoch - 1n });
  expect((await store.info(CHUNK.id))?.epoch).toBe(2 ** 48 - 1);
});

async function storeChunk(
  client: TrialNode["client"],
  open: { sessionId: Uint8Array; chunkId: Uint8Array; epoch: bigint },
): Promise<void> {
  const value = { ...open, lengthLimitBytes: 1n, writeQuorum: 1 };
  const requests = [create(StoreChunkRequestSchema, { step: { case: "open", value } })];
  for await (const _ of client.storeChunk(Readable.from(requests))) {
    // To its end.
  }
}

test("health tells who the node is and how full", async () => {
  await using cluster = await TrialCluster.open(2);
  const { client, store } = cluster.node(2);
  await putChunk(store, CHUNK);
  const health = await client.healthCheck({});
  expect(health).toMatchObject({ nodeNumber: 2, health: Health.OK });
  expect(health.usage?.chunkCount).toBe(1n);
  expect(health.clusterId).toHaveLength(16);
  expect(health.nodeTableVersion).toBe(2n);
});
