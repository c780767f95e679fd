import { eventually } from "@cairnfs/base/testing/eventually";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { copiesOnDisks } from "../support/disks.ts";
import { expectContent, MIB } from "../support/verify.ts";

const ZONES = ["a", "a", "b", "b", "c", "c"];

test("a lost zone costs no read, is made up for in the others, and takes its share back when it returns", async () => {
  // Goal: copies are in as many zones as there are, before, during and after the loss of one.
  // Method: both nodes of a zone are killed, repaired for, and started again on their disks.
  await using cluster = await ProcessCluster.start({
    name: "zone-lost",
    datanodes: 6,
    coordinator: { CAIRN_REPAIR_DELAY_MS: "500", CAIRN_DEAD_AFTER_MS: "3000" },
    datanode: (index) => ({ environment: { CAIRN_ZONE: ZONES[index] ?? "" } }),
  });
  const client = await cluster.connect();
  const content = { seed: 8, sizeBytes: 40 * MIB };
  await client.put("/zones.bin", contentOf(content.seed, content.sizeBytes), {
    chunkSizeBytes: MIB,
  });
  const { chunkCount } = await client.clusterState();
  await eventually(async () => {
    expect((await client.clusterState()).underreplicatedChunks).toBe(0);
  });

  for (const index of [4, 5]) await cluster.datanode(index).end();
  await expectContent(await cluster.connect(), "/zones.bin", content);
  await eventually(async () => {
    expect((await client.clusterState()).underreplicatedChunks).toBe(chunkCount);
  }, 20_000);
  await eventually(async () => {
    expect((await client.clusterState()).underreplicatedChunks).toBe(0);
  }, 30_000);
  await expectContent(await cluster.connect(), "/zones.bin", content);

  for (const index of [4, 5]) await cluster.restartDatanode(index);
  await eventually(async () => {
    const [{ nodes }, moves] = await Promise.all([client.clusterState(), client.members.moves()]);
    expect(nodes.map(({ state }) => state)).toEqual(ZONES.map(() => "healthy"));
    expect([moves.isWorking, moves.misplacedChunks]).toEqual([false, 0]);
    const copies = nodes.reduce((sum, node) => sum + node.chunkCount, 0);
    expect(copies).toBe(3 * chunkCount);
  }, 40_000);
  await expectContent(await cluster.connect(), "/zones.bin", content);

  const copies = await copiesOnDisks(cluster);
  expect(copies.size).toBe(chunkCount);
  for (const holders of copies.values()) {
    expect(holders.map((index) => ZONES[index]).sort()).toEqual(["a", "b", "c"]);
  }
});
