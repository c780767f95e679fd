import { expect, test } from "vitest";
import { forgetReplica } from "../chunks/replicas.ts";
import { readEpoch } from "../keyspace.ts";
import { HealingCluster } from "./testing/healing-cluster.ts";

const never = new AbortController().signal;

async function forget(cluster: HealingCluster, id: Parameters<HealingCluster["recordOf"]>[0]) {
  const isLive = (nodeNumber: number) => cluster.placements.isLive(nodeNumber);
  await cluster.kv.transact((tx) =>
    forgetReplica(tx, id, { nodeNumber: 3, deletes: false }, isLive),
  );
}

test("a copy that a node holds intact and no record names is taken back in where it is owed, under the present epoch", async () => {
  const cluster = await HealingCluster.open(4);
  const id = await cluster.chunk(1, [1, 2, 3]);
  await forget(cluster, id);
  expect(await cluster.debt()).toEqual([[2, id]]);
  expect(await cluster.healing.readmission.admit(3, [id], never)).toBe(1);
  expect(await cluster.holdersOf(id)).toEqual([1, 2, 3]);
  expect(await cluster.debt()).toEqual([]);
  const epoch = await cluster.kv.read(readEpoch);
  expect(cluster.node(3).chunks.get(id)?.epoch).toBe(epoch);
  // Nothing was copied.
  expect(cluster.node(4).chunks.size).toBe(0);
});

test("a corrupt copy, one that is not owed and one that is proved wrongly stay out", async () => {
  const cluster = await HealingCluster.open(4);
  const corrupt = await cluster.chunk(1, [1, 2, 3]);
  const paid = await cluster.chunk(2, [1, 2, 4]);
  const unproved = await cluster.chunk(3, [1, 2, 3]);
  await forget(cluster, corrupt);
  await forget(cluster, unproved);
  const copy = { lengthBytes: 1000, epoch: 1, isCorrupt: false };
  cluster.node(3).chunks.set(corrupt, { ...copy, isCorrupt: true });
  cluster.node(3).chunks.set(paid, copy);
  const { readmission } = cluster.healing;
  expect(await readmission.admit(3, [corrupt, paid], never)).toBe(0);
  cluster.node(3).receiptKey = Buffer.alloc(32, 1);
  await expect(readmission.admit(3, [unproved], never)).rejects.toMatchObject({
    reason: "receiptInvalid",
  });
  expect(await cluster.holdersOf(corrupt)).toEqual([1, 2]);
  expect(await cluster.holdersOf(paid)).toEqual([1, 2, 4]);
  expect(await cluster.holdersOf(unproved)).toEqual([1, 2]);
});
