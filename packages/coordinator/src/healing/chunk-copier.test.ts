import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { ChunkCopier } from "./chunk-copier.ts";
import { HealingCluster, LENGTH_BYTES } from "./testing/healing-cluster.ts";

const never = new AbortController().signal;

test("a copy is made at the target under the epoch, and only what it proves counts", async () => {
  const cluster = await HealingCluster.open(3);
  const { calls, placements, membership } = cluster;
  const copier = new ChunkCopier(
    { table: membership.manager.table, placements, calls, random: new Prng(1) },
    { copiesPerNode: 1, waitingMax: 4 },
  );
  const id = await cluster.chunk(1, [1, 2]);
  const job = { id, lengthBytes: LENGTH_BYTES, sources: [1, 2], target: 3, epoch: 7 };
  await copier.copy(job, never);
  expect(cluster.node(3).chunks.get(id)).toMatchObject({ epoch: 7 });
  // The record is its caller's to write.
  expect(await cluster.holdersOf(id)).toEqual([1, 2]);

  cluster.node(3).receiptKey = Buffer.alloc(32, 1);
  await expect(copier.copy(job, never)).rejects.toMatchObject({ reason: "receiptInvalid" });
  cluster.node(1).chunks.delete(id);
  cluster.node(2).chunks.delete(id);
  await expect(copier.copy(job, never)).rejects.toMatchObject({ reason: "chunkUnavailable" });
});
