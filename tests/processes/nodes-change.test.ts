import { hasReason } from "@cairnfs/base/errors";
import { eventually } from "@cairnfs/base/testing/eventually";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { ClientLoad } from "../support/client-load.ts";
import { verifiedChunks } from "../support/disks.ts";
import { expectContent, MIB } from "../support/verify.ts";

test("a node is drained and removed under a load that notices nothing, and its disk is empty then", async () => {
  // Goal: taking a node away costs no client an error and no chunk a copy.
  // Method: one of five nodes is drained while a client puts and reads files of every kind; then it is removed.
  await using cluster = await ProcessCluster.start({ name: "nodes-drained", datanodes: 5 });
  const client = await cluster.connect();
  const content = { seed: 5, sizeBytes: 48 * MIB };
  await client.put("/before.bin", contentOf(content.seed, content.sizeBytes), {
    chunkSizeBytes: 2 * MIB,
  });
  const load = new ClientLoad(await cluster.connect(), "/load", [100, 50_000, 3 * MIB, 700_000]);
  await eventually(() => expect(load.done.reads).toBeGreaterThan(5));

  const { address } = cluster.datanode(0).ready;
  const plan = await client.members.plan(address);
  expect(plan.chunks).toBeGreaterThan(0);
  expect(plan.blockedChunks).toBe(0);
  const refused = await client.members.remove(address).catch((error: unknown) => error);
  expect(hasReason(refused, "preconditionFailed")).toBe(true);

  const { node } = await client.members.drain(address);
  expect(node.state).toBe("draining");
  await eventually(async () => {
    load.check();
    const { nodes } = await client.clusterState();
    const drained = nodes.find(({ nodeNumber }) => nodeNumber === node.nodeNumber);
    expect([drained?.state, drained?.chunkCount]).toEqual(["drained", 0]);
  }, 40_000);

  const before = load.done.puts;
  const removed = await client.members.remove(address);
  expect(removed).toEqual({ nodeNumber: node.nodeNumber, namedChunks: 0, lostChunks: 0 });
  await eventually(() => expect(load.done.puts).toBeGreaterThan(before + 5), 10_000);
  await eventually(async () => {
    expect(await cluster.log("datanode-0")).toMatch(/does not belong to the cluster any more/u);
  }, 10_000);
  await load.finish();
  await expectContent(await cluster.connect(), "/before.bin", content);
  const { nodes, underreplicatedChunks } = await client.clusterState();
  expect([nodes.length, underreplicatedChunks]).toEqual([4, 0]);
  await cluster.killAll();
  expect([...(await verifiedChunks(cluster.dataDir(0))).keys()]).toEqual([]);
});

test("an empty node of another size is filled until all keep the same share of their capacity", async () => {
  // Goal: adding a node of any size leads to a balance, by itself.
  // Method: four nodes of 300 MiB keep 30 % when one of 150 MiB joins; the threshold is 5 %.
  const capacities = [300, 300, 300, 300, 150];
  await using cluster = await ProcessCluster.start({
    name: "node-added",
    datanodes: 4,
    datanode: (index) => ({
      environment: { CAIRN_CAPACITY_BYTES: String((capacities[index] ?? 0) * MIB) },
    }),
  });
  const client = await cluster.connect();
  const content = { seed: 6, sizeBytes: 120 * MIB };
  await client.put("/all.bin", contentOf(content.seed, content.sizeBytes), {
    chunkSizeBytes: MIB,
  });
  await cluster.addDatanode();
  await eventually(async () => {
    const { nodes } = await client.clusterState();
    const shares = nodes.map(({ usedBytes, capacityBytes }) => usedBytes / capacityBytes);
    const used = nodes.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
    const mean = used / nodes.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0);
    expect(nodes).toHaveLength(5);
    for (const share of shares) expect(Math.abs(share - mean)).toBeLessThan(0.05);
    expect((await client.members.moves()).isWorking).toBe(false);
  }, 60_000);
  await expectContent(await cluster.connect(), "/all.bin", content);
  expect((await client.clusterState()).underreplicatedChunks).toBe(0);
});
