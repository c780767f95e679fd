import { readdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "@cairnfs/base/testing/eventually";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { flipBits } from "../support/damage.ts";
import { expectThreeCopies } from "../support/disks.ts";
import { expectContent, MIB } from "../support/verify.ts";

const LARGE = { seed: 71, sizeBytes: 24 * MIB };
const CHUNKS = 12;
const SMALL_BYTES = 100_000;
const SMALL_FILES = 10;

test("what is flipped, cut short and deleted behind the nodes' backs is found by a scrub that is asked for, and made good", async () => {
  // Goal: a scrub finds every bad copy, the comparison that goes with it every missing one; all are replaced, and no reader ever sees a wrong byte.
  // Method: on the first node chunk files are damaged in four ways, on the second its segments are flipped, while readers read.
  await using cluster = await ProcessCluster.start({ name: "damaged-behind", datanodes: 4 });
  const client = await cluster.connect();
  await client.put("/large.bin", contentOf(LARGE.seed, LARGE.sizeBytes), {
    chunkSizeBytes: 2 * MIB,
  });
  for (let at = 0; at < SMALL_FILES; at++) {
    await client.put(`/small-${at}`, contentOf(100 + at, SMALL_BYTES));
  }
  const { chunkCount } = await client.clusterState();
  expect(chunkCount).toBe(CHUNKS + SMALL_FILES);

  const damaged = await damageChunkFiles(cluster.dataDir(0));
  expect(damaged).toBeGreaterThan(0);
  expect(await flipBits(join(cluster.dataDir(1), "segments"), SMALL_BYTES)).toBeGreaterThan(0);

  const stop = new AbortController();
  const reading = readOn(cluster, stop.signal);
  const before = await client.scrubs.status();
  const { requestedMs, nodeNumbers } = await client.scrubs.start();
  expect(nodeNumbers).toHaveLength(4);
  await eventually(async () => {
    const { nodes } = await client.scrubs.status();
    expect(nodes.map((node) => [node.isRequestDone, node.requestedMs])).toEqual(
      nodes.map(() => [true, requestedMs]),
    );
  }, 60_000);
  const { totals } = await client.scrubs.status();
  expect(before.totals.badCopies).toBeLessThanOrEqual(totals.badCopies);
  expect(totals.badCopies).toBeGreaterThan(0);
  expect(totals.quarantinedCopies).toBeGreaterThan(0);

  // A copy that is set aside is missed on the disks before the record says so: the disks are looked at as well.
  await eventually(async () => {
    const { underreplicatedChunks } = await client.clusterState();
    const files = await Promise.all(
      cluster.datanodes.map((_, index) => chunkFiles(cluster.dataDir(index))),
    );
    expect([underreplicatedChunks, files.flat().length]).toEqual([0, 3 * CHUNKS]);
  }, 60_000);
  stop.abort();
  expect(await reading).toBeGreaterThan(0);
  await expectThreeCopies(cluster, chunkCount);
});

/** Reads all files again and again, each time as somebody who has met no bad copy yet; gives how often. */
async function readOn(cluster: ProcessCluster, signal: AbortSignal): Promise<number> {
  let rounds = 0;
  do {
    const reader = await cluster.connect();
    await expectContent(reader, "/large.bin", LARGE);
    for (let at = 0; at < SMALL_FILES; at++) {
      await expectContent(reader, `/small-${at}`, { seed: 100 + at, sizeBytes: SMALL_BYTES });
    }
    await reader.close();
    rounds += 1;
  } while (!signal.aborted);
  return rounds;
}

/** Flips a bit of one chunk file, cuts the next short, empties the next, deletes the next, and so on; gives how many it damaged. */
async function damageChunkFiles(dataDir: string): Promise<number> {
  const files = await chunkFiles(dataDir);
  for (const [at, path] of files.entries()) {
    if (at % 4 === 0) await truncate(path, MIB);
    else if (at % 4 === 1) await rm(path);
    else if (at % 4 === 2) await truncate(path, 0);
  }
  await flipBits(join(dataDir, "chunks"), 2 * MIB);
  return files.length;
}

/** The files of all chunks that a node holds in files of their own. */
async function chunkFiles(dataDir: string): Promise<string[]> {
  const entries = await readdir(join(dataDir, "chunks"), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /^[0-9a-f]{64}$/u.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
