import { CairnError } from "@cairnfs/base/errors";
import { BLOCK_BYTES, type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { pieceOf, putChunk, readChunk, sampleChunk } from "../store/testing/sample-chunk.ts";
import { SESSION_ID, TrialCluster } from "../testing/trial-cluster.ts";

const CHUNK = sampleChunk(2 * BLOCK_BYTES + 17);

/** A put of a whole chunk to node 1, with all others as replicas. */
function wholePut(cluster: TrialCluster, chunk = CHUNK) {
  return {
    sessionId: SESSION_ID,
    chunkId: chunkIdToBytes(chunk.id),
    epoch: 1n,
    writeQuorum: Math.min(2, cluster.nodes.length),
    replicaNodeNumbers: cluster.nodes.slice(1).map((node) => node.number),
    blockChecksums: [...pieceOf(chunk.bytes).blockChecksums],
    data: chunk.bytes,
  };
}

async function holders(cluster: TrialCluster, id: ChunkId = CHUNK.id): Promise<number[]> {
  const infos = await Promise.all(cluster.nodes.map((node) => node.store.info(id)));
  return infos.flatMap((info, at) => (info === undefined ? [] : [at + 1]));
}

test("a whole chunk is kept by all nodes, each with a receipt of its own", async () => {
  await using cluster = await TrialCluster.open(3);
  const { result } = await cluster.node(1).client.putChunk(wholePut(cluster));
  expect(result?.failures).toEqual([]);
  const lengthBytes = CHUNK.bytes.length;
  expect(result?.lengthBytes).toBe(BigInt(lengthBytes));
  expect(result?.receipts.map((receipt) => receipt.nodeNumber)).toEqual([1, 2, 3]);
  for (const { nodeNumber, mac } of result?.receipts ?? []) {
    const fields = {
      sessionId: SESSION_ID,
      chunkId: CHUNK.id,
      lengthBytes,
      epoch: 1,
      nodeNumber,
    };
    expect(cluster.coordinator.isReceiptValid(fields, mac)).toBe(true);
    const copy = await readChunk(cluster.node(nodeNumber).store, CHUNK);
    expect(Buffer.compare(copy, CHUNK.bytes)).toBe(0);
  }
});

test("what every node holds already is answered with receipts for the new session", async () => {
  await using cluster = await TrialCluster.open(3);
  await cluster.node(1).client.putChunk(wholePut(cluster));
  for (const node of cluster.nodes) node.store.failWrites(new CairnError("storeFailed", "no"));
  const again = { ...wholePut(cluster), epoch: 5n };
  const { result } = await cluster.node(1).client.putChunk(again);
  expect(result?.receipts.map((receipt) => receipt.nodeNumber)).toEqual([1, 2, 3]);
  for (const node of cluster.nodes) expect((await node.store.info(CHUNK.id))?.epoch).toBe(5);
});

test("bytes that are not the chunk's are kept by nobody", async () => {
  await using cluster = await TrialCluster.open(3);
  const other = sampleChunk(CHUNK.bytes.length, 2);
  const put = { ...wholePut(cluster, other), chunkId: chunkIdToBytes(CHUNK.id) };
  await expect(cluster.node(1).client.putChunk(put)).rejects.toMatchObject({
    reason: "chunkMismatch",
  });
  expect(await holders(cluster)).toEqual([]);
});

test("checksums that are not the bytes' are refused, whoever looks first", async () => {
  await using cluster = await TrialCluster.open(3);
  const put = wholePut(cluster);
  put.blockChecksums[1] = 1;
  const outcome = cluster.outcome(cluster.node(1).client.putChunk(put));
  await expect(outcome).rejects.toMatchObject({ reason: "chunkMismatch" });
  expect(await holders(cluster)).toEqual([]);
});

test.each([
  [{ data: new Uint8Array(0), blockChecksums: [] }, /data has 0 bytes/],
  [{ data: new Uint8Array(1024 * 1024 + 1) }, /data has 1048577 bytes/],
  [{ sessionId: new Uint8Array(3) }, /session id has 16 bytes/],
  [{ chunkId: new Uint8Array(5) }, /chunk id has 32 bytes/],
  [{ writeQuorum: 4 }, /write_quorum is 4/],
  [{ writeQuorum: 0 }, /write_quorum is 0/],
  [{ replicaNodeNumbers: [2, 2] }, /named twice/],
  [{ replicaNodeNumbers: [1, 2] }, /named twice/],
])("a put with %o is refused", async (change, message) => {
  await using cluster = await TrialCluster.open(3);
  const put = cluster.node(1).client.putChunk({ ...wholePut(cluster), ...change });
  await expect(put).rejects.toMatchObject({
    reason: "invalidArgument",
    message: expect.stringMatching(message),
  });
});

test("a replica that is away is dropped when the quorum can do without it", async () => {
  await using cluster = await TrialCluster.open(3);
  cluster.network.cut(cluster.node(3).address);
  const { result } = await cluster.outcome(cluster.node(1).client.putChunk(wholePut(cluster)));
  expect(result?.receipts.map((receipt) => receipt.nodeNumber)).toEqual([1, 2]);
  expect(result?.failures).toMatchObject([{ nodeNumber: 3, reason: "unreachable" }]);
});

test("a straggler is waited for during its grace after the quorum, and no longer", async () => {
  await using cluster = await TrialCluster.open(3, { replicaGraceMs: 1000 });
  cluster.node(3).store.holdCommits(true);
  let isDone = false;
  const putting = cluster
    .node(1)
    .client.putChunk(wholePut(cluster))
    .finally(() => {
      isDone = true;
    });
  for (let turn = 0; turn < 200; turn++) await cluster.clock.advance(0);
  await cluster.clock.advance(990);
  for (let turn = 0; turn < 50; turn++) await cluster.clock.advance(0);
  expect(isDone).toBe(false);
  const { result } = await cluster.outcome(putting, 2000);
  expect(result?.receipts.map((receipt) => receipt.nodeNumber)).toEqual([1, 2]);
  expect(result?.failures).toMatchObject([{ nodeNumber: 3, reason: "stalled" }]);
});

test("without the quorum the call fails, and says why each replica failed", async () => {
  await using cluster = await TrialCluster.open(3);
  cluster.network.cut(cluster.node(2).address);
  cluster.node(3).store.failWrites(new CairnError("storeFailed", "the disk errs"));
  const outcome = cluster.outcome(cluster.node(1).client.putChunk(wholePut(cluster)));
  await expect(outcome).rejects.toMatchObject({
    reason: "quorumNotReached",
    details: { node2: "unreachable", node3: "storeFailed" },
  });
});

test("without the own copy there is no success, however many replicas have theirs", async () => {
  await using cluster = await TrialCluster.open(3);
  cluster.node(1).store.failWrites(new CairnError("storeFailed", "the disk errs"));
  const outcome = cluster.outcome(cluster.node(1).client.putChunk(wholePut(cluster)));
  await expect(outcome).rejects.toMatchObject({ reason: "storeFailed" });
});

test("a range is read in one call as the whole blocks that it touches", async () => {
  await using cluster = await TrialCluster.open(1);
  const { client, store } = cluster.node(1);
  await putChunk(store, CHUNK);
  const chunkId = chunkIdToBytes(CHUNK.id);
  const whole = await client.getChunk({ chunkId });
  expect(whole.chunkLengthBytes).toBe(BigInt(CHUNK.bytes.length));
  expect(Buffer.compare(whole.data, CHUNK.bytes)).toBe(0);
  expect(whole.blockChecksums).toEqual(pieceOf(CHUNK.bytes).blockChecksums);
  const offsetBytes = BigInt(BLOCK_BYTES + 5);
  const part = await client.getChunk({ chunkId, offsetBytes, lengthBytes: 1n });
  expect(part.offsetBytes).toBe(BigInt(BLOCK_BYTES));
  const block = CHUNK.bytes.subarray(BLOCK_BYTES, 2 * BLOCK_BYTES);
  expect(Buffer.compare(part.data, block)).toBe(0);
  expect(part.blockChecksums).toEqual(pieceOf(block).blockChecksums);
});

test("what is not here, ranges that leave the chunk and ranges too large for a message are refused", async () => {
  await using cluster = await TrialCluster.open(1);
  const { client, store } = cluster.node(1);
  const large = sampleChunk(1024 * 1024 + 1, 3);
  const chunkId = chunkIdToBytes(large.id);
  await expect(client.getChunk({ chunkId })).rejects.toMatchObject({ reason: "chunkNotFound" });
  await putChunk(store, large);
  await expect(client.getChunk({ chunkId })).rejects.toMatchObject({ reason: "invalidArgument" });
  const lengthBytes = BigInt(1024 * 1024);
  const allButLast = await client.getChunk({ chunkId, lengthBytes });
  expect(allButLast.data.byteLength).toBe(1024 * 1024);
  for (const range of [
    { offsetBytes: lengthBytes + 1n },
    { offsetBytes: lengthBytes, lengthBytes: 2n },
  ]) {
    await expect(client.getChunk({ chunkId, ...range })).rejects.toMatchObject({
      reason: "rangeNotSatisfiable",
    });
  }
});
