import { eventually } from "@cairnfs/base/testing/eventually";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { flipBits } from "../support/damage.ts";
import { expectContent, MIB } from "../support/verify.ts";

test("when one node's copies rot on its disk, reads still return the right bytes, and the bad copies are reported", async () => {
  // Goal: a reader never sees a wrong byte, and the coordinator stops believing in a copy that is not what was written.
  // Method: a bit is flipped in each chunk file of one of three nodes; readers that start there must notice.
  await using cluster = await ProcessCluster.start({ name: "copy-rots", datanodes: 3 });
  const client = await cluster.connect();
  const content = { seed: 41, sizeBytes: 48 * MIB };
  await client.put("/rot.bin", contentOf(content.seed, content.sizeBytes), {
    chunkSizeBytes: 4 * MIB,
  });

  expect(await flipBits(cluster.dataDir(0), 4 * MIB)).toBe(12);
  const badNode = await nodeNumberOf(cluster, client);

  for (let round = 0; round < 6; round++) await expectContent(client, "/rot.bin", content);

  await eventually(async () => {
    const { underreplicatedChunks } = await client.clusterState();
    expect(underreplicatedChunks).toBeGreaterThan(0);
  });
  expect(badNode).toBeGreaterThan(0);
});

async function nodeNumberOf(
  cluster: ProcessCluster,
  client: Awaited<ReturnType<ProcessCluster["connect"]>>,
): Promise<number> {
  const { nodes } = await client.clusterState();
  return nodes.find((node) => node.address === cluster.datanode(0).ready.address)?.nodeNumber ?? 0;
}
