import { eventually } from "@cairnfs/base/testing/eventually";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { expectContent, MIB } from "../support/verify.ts";

const SMALL_DISK = { CAIRN_CAPACITY_BYTES: "64MiB", CAIRN_RESERVE_BYTES: "16MiB" };

test("when one node's disk is full the others take the chunks, and what it holds is still read", async () => {
  await using cluster = await ProcessCluster.start({
    name: "one-disk-fills",
    datanodes: 4,
    datanode: (index) => (index === 0 ? { environment: SMALL_DISK } : {}),
  });
  const client = await cluster.connect();
  for (let file = 0; file < 6; file++) {
    await client.put(`/fill/${file}`, contentOf(file, 32 * MIB), { parents: true });
  }
  for (let file = 0; file < 6; file++) {
    await expectContent(client, `/fill/${file}`, { seed: file, sizeBytes: 32 * MIB });
  }
  const { nodes } = await client.clusterState();
  const small = nodes.find((node) => node.address === cluster.datanode(0).ready.address);
  expect(small?.usedBytes).toBeLessThanOrEqual(64 * MIB);
});

test("when all disks are full a put fails with a clear reason, nothing is lost, and removing makes room again", async () => {
  await using cluster = await ProcessCluster.start({
    name: "all-disks-fill",
    datanodes: 3,
    coordinator: { CAIRN_CONTENT_GRACE_MS: "100", CAIRN_CHUNK_GRACE_MS: "100" },
    datanode: () => ({ environment: SMALL_DISK }),
  });
  const client = await cluster.connect({ patienceMs: 4_000 });
  const stored: number[] = [];
  const failure = await fill(async (file) => {
    await client.put(`/full/${file}`, contentOf(file, 8 * MIB), { parents: true });
    stored.push(file);
  });
  expect(["placementUnavailable", "storeFull", "quorumNotReached"]).toContain(failure.reason);
  expect(stored.length).toBeGreaterThanOrEqual(3);
  for (const file of stored)
    await expectContent(client, `/full/${file}`, { seed: file, sizeBytes: 8 * MIB });

  for (const file of stored) await client.remove(`/full/${file}`, { forever: true });
  const again = await connectPatiently(cluster);
  await again.put("/full/after", contentOf(99, 8 * MIB));
  await expectContent(again, "/full/after", { seed: 99, sizeBytes: 8 * MIB });
});

/** Puts file after file until one fails; resolves with that failure. */
async function fill(put: (file: number) => Promise<void>): Promise<{ readonly reason: string }> {
  for (let file = 0; file < 20; file++) {
    try {
      await put(file);
    } catch (error) {
      // The test looks at the reason alone, whatever else the failure is.
      return error as { readonly reason: string };
    }
  }
  throw new Error("the disks never filled");
}

/** Waits until the space of removed files has come back. */
async function connectPatiently(cluster: ProcessCluster): ReturnType<ProcessCluster["connect"]> {
  const client = await cluster.connect();
  await eventually(async () => {
    const { nodes } = await client.clusterState();
    for (const node of nodes) expect(node.availableBytes).toBeGreaterThan(16 * MIB);
  }, 40_000);
  return client;
}
