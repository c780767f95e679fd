import { cp, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import { openChunkStore } from "@cairnfs/datanode/store/open-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect } from "vitest";

const parts = { disk: new RealDisk(), clock: new SystemClock(), random: new SystemRandom() };

/** The chunks in a data folder whose node has ended, with their lengths, each copy read whole and found to be what its id says. */
export async function verifiedChunks(dataDir: string): Promise<Map<ChunkId, number>> {
  const store = await openChunkStore("segment", dataDir, parts);
  try {
    const lengths = new Map<ChunkId, number>();
    let after: ChunkId | undefined;
    for (;;) {
      const page = await store.list(after, 1000);
      for (const { id, lengthBytes } of page) {
        const verdict = await store.verify(id, new AbortController().signal);
        expect({ dataDir, id, verdict }).toEqual({ dataDir, id, verdict: "intact" });
        lengths.set(id, lengthBytes);
      }
      after = page.at(-1)?.id;
      if (after === undefined) return lengths;
    }
  } finally {
    await store.close();
  }
}

/** As `verifiedChunks`, of a node that runs: what its folder has at this moment is copied and read there. */
export async function verifiedChunksOf(
  cluster: ProcessCluster,
  index: number,
): Promise<Map<ChunkId, number>> {
  const copy = join(cluster.folder, `scan-${index}`);
  // The lock of the node that runs is none of its chunks.
  const filter = (path: string) => !basename(path).startsWith("lock");
  await cp(cluster.dataDir(index), copy, { recursive: true, filter });
  try {
    return await verifiedChunks(copy);
  } finally {
    await rm(copy, { recursive: true, force: true });
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
    for (const id of (await verifiedChunks(cluster.dataDir(index))).keys()) {
      copies.set(id, [...(copies.get(id) ?? []), index]);
    }
  }
  return copies;
}
