import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { Receipt } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { expect, test } from "vitest";
import { pieceOf, putChunk, readChunk, sampleChunk } from "../store/testing/sample-chunk.ts";
import { SESSION_ID, TrialCluster } from "../testing/trial-cluster.ts";

const CHUNK = sampleChunk(200_000);
const LENGTH = CHUNK.bytes.byteLength;
const whole = pieceOf(CHUNK.bytes);

/** Node 2 has a copy under the chunk's id that is cut short. */
async function clusterWithShortCopy(): Promise<TrialCluster & AsyncDisposable> {
  const cluster = await TrialCluster.open(3);
  const { store } = cluster.node(2);
  await store
    .put({ lengthLimitBytes: LENGTH, epoch: 1, isIdVerified: true })
    .then(async (writer) => {
      await writer.write(pieceOf(CHUNK.bytes.subarray(0, 1000)));
      await writer.commit(CHUNK.id);
    });
  return cluster;
}

async function expectStored(cluster: TrialCluster, receipts: readonly Receipt[]): Promise<void> {
  expect(receipts.map((receipt) => receipt.nodeNumber)).toEqual([1, 2, 3]);
  const fields = { sessionId: SESSION_ID, chunkId: CHUNK.id, lengthBytes: LENGTH, epoch: 1 };
  for (const { nodeNumber, mac } of receipts) {
    expect(cluster.coordinator.isReceiptValid({ ...fields, nodeNumber }, mac)).toBe(true);
    const bytes = await readChunk(cluster.node(nodeNumber).store, CHUNK);
    expect(Buffer.compare(bytes, CHUNK.bytes)).toBe(0);
  }
}

const put = {
  sessionId: SESSION_ID,
  chunkId: chunkIdToBytes(CHUNK.id),
  epoch: 1n,
  writeQuorum: 3,
  replicaNodeNumbers: [2, 3],
  blockChecksums: [...whole.blockChecksums],
  data: CHUNK.bytes,
};

for (const isHeldByPrimary of [false, true]) {
  const who = isHeldByPrimary ? "and the others the chunk" : "and nobody else anything";
  test(`a replica that has a copy of another length ${who} is sent the chunk`, async () => {
    for (const lengthBytes of [LENGTH, undefined]) {
      await using cluster = await clusterWithShortCopy();
      if (isHeldByPrimary) for (const at of [1, 3]) await putChunk(cluster.node(at).store, CHUNK);
      const { receipts } = await cluster.store(CHUNK.bytes, { chunkId: CHUNK.id, lengthBytes });
      await expectStored(cluster, receipts);
    }
    await using cluster = await clusterWithShortCopy();
    if (isHeldByPrimary) for (const at of [1, 3]) await putChunk(cluster.node(at).store, CHUNK);
    const { result } = await cluster.node(1).client.putChunk(put);
    await expectStored(cluster, result?.receipts ?? []);
  });
}
