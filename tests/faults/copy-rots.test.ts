import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "@cairnfs/base/testing/eventually";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { flipBits } from "../support/damage.ts";
import { expectThreeCopies } from "../support/disks.ts";
import { expectContent, MIB } from "../support/verify.ts";

const CHUNKS = 12;

test("when one node's copies rot on its disk, reads still return the right bytes, and the bad copies are set aside and replaced", async () => {
  // Goal: a reader never sees a wrong byte, and the coordinator stops believing in a copy that is not what was written.
  // Method: a bit is flipped in each chunk file of one of three nodes; readers that start there must notice.
  await using cluster = await ProcessCluster.start({ name: "copy-rots", datanodes: 3 });
  const client = await cluster.connect();
  const content = { seed: 41, sizeBytes: 48 * MIB };
  await client.put("/rot.bin", contentOf(content.seed, content.sizeBytes), {
    chunkSizeBytes: 4 * MIB,
  });

  expect(await flipBits(cluster.dataDir(0), 4 * MIB)).toBe(CHUNKS);

  const { chunkCount } = await client.clusterState();
  await eventually(async () => {
    // Each time a new client: one that has met a bad copy goes to other nodes first.
    const reader = await cluster.connect();
    await expectContent(reader, "/rot.bin", content);
    const { underreplicatedChunks } = await client.clusterState();
    // A copy is set aside before the record says so: until it is there again, a debt of nothing says nothing of it.
    const [aside, held] = await Promise.all([
      countFiles(join(cluster.dataDir(0), "quarantine")),
      countFiles(join(cluster.dataDir(0), "chunks")),
    ]);
    expect({ aside, held, underreplicatedChunks }).toEqual({
      aside: CHUNKS,
      held: CHUNKS,
      underreplicatedChunks: 0,
    });
  }, 60_000);
  await expectThreeCopies(cluster, chunkCount);
});

/** How many files below a folder are copies of chunks. */
async function countFiles(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => /[0-9a-f]{64}$/u.test(name)).length;
}
