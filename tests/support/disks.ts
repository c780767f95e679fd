import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import { openChunkStore } from "@cairnfs/datanode/store/open-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect } from "vitest";

const parts = { disk: new RealDisk(), clock: new SystemClock(), random: new SystemRandom() };

/** The ids of the chunks in a data folder whose node has ended, each copy read whole and found to be what its id says. */
export async function verifiedChunks(dataDir: string): Promise<ChunkId[]> {
  const store = await openChunkStore("segment", dataDir, parts);
  try {
    const ids: ChunkId[] = [];
    let after: ChunkId | undefined;
    for (;;) {
      const page = await store.list(after, 1000);
      for (const { id } of page) {
        const verdict = await store.verify(id, new AbortController().signal);
        expect({ dataDir, id, verdict }).toEqual({ dataDir, id, verdict: "intact" });
        ids.push(id);
      }
      after = page.at(-1)?.id;
      if (after === undefined) return ids;
    }
  } finally {
    await store.close();
  }
}

/**
 * Ends every process of the cluster and looks at the disks: there are `chunkCount` distinct chunks, each with three
 * intact copies on three nodes.
 */
export async function expectThreeCopies(
  cluster: ProcessCluster,
  chunkCount: number,
): Promise<void> {
  const copies = await copiesOnDisks(cluster);
  const short = [...copies].filter(([, holders]) => holders.length !== 3);
  expect(short).toEqual([]);
  expect(copies.size).toBe(chunkCount);
}

/** Ends every process of the cluster and gives for each chunk the datanodes, by index, that have an intact copy of it. */
export async function copiesOnDisks(cluster: ProcessCluster): Promise<Map<ChunkId, number[]>> {
  await cluster.killAll();
  const copies = new Map<ChunkId, number[]>();
  for (const index of cluster.datanodes.keys()) {
    for (const id of await verifiedChunks(cluster.dataDir(index))) {
      copies.set(id, [...(copies.get(id) ?? []), index]);
    }
  }
  return copies;
}
