import { eventually } from "@cairnfs/base/testing/eventually";
import type { CairnClient } from "@cairnfs/client";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { copiesOnDisks } from "../support/disks.ts";
import { expectSound } from "../support/fsck.ts";
import { expectContent, MIB } from "../support/verify.ts";

const FILES = 12;
const FILE_BYTES = 3 * MIB;
const CHUNKS_PER_FILE = 3;
const WANTED_COPIES = 3;
const KILLS = 2;
/** A copy every third of a second: every piece of work lasts long enough to be interrupted. */
const SLOWLY = String(3 * MIB);

test("a coordinator that is killed again and again in the middle of drain, repair and reclaiming ends all of them", async () => {
  // Goal: whatever the coordinator was doing in the background goes on after its end, and nothing is done twice or forgotten.
  // Method: budgets so small that each piece of work lasts seconds; it is killed whenever some of the work is done.
  await using cluster = await ProcessCluster.start({
    name: "care-interrupted",
    datanodes: 5,
    coordinator: {
      CAIRN_REPAIR_DELAY_MS: "0",
      CAIRN_REPAIR_BYTES_PER_SECOND: SLOWLY,
      CAIRN_MOVE_BYTES_PER_SECOND: SLOWLY,
      CAIRN_CONTENT_GRACE_MS: "0",
      CAIRN_CHUNK_GRACE_MS: "0",
    },
  });
  const client = await cluster.connect();
  for (let file = 0; file < FILES; file++) {
    const folder = file % 2 === 0 ? "kept" : "gone";
    const content = contentOf(file, FILE_BYTES);
    await client.put(`/${folder}/${file}`, content, { chunkSizeBytes: MIB, parents: true });
  }

  // Drain.
  const { node } = await client.members.drain(cluster.datanode(1).ready.address);
  await whileItLasts(cluster, () => leftOn(client, node.nodeNumber));

  // Repair.
  await cluster.datanode(0).end();
  await whileItLasts(cluster, async () => {
    const { isExact, missingBytes } = await client.redundancy();
    return isExact ? missingBytes : undefined;
  });

  // Removal: a tree goes, and its chunks from the disks, also from those of the node that was away.
  await cluster.restartDatanode(0);
  await client.remove("/gone", { recursive: true, forever: true });
  await cluster.restartCoordinator();
  await eventually(async () => {
    const { chunkCount, garbageChunks } = await client.clusterState();
    expect({ chunkCount, garbageChunks }).toEqual({
      chunkCount: (FILES / 2) * CHUNKS_PER_FILE,
      garbageChunks: 0,
    });
  }, 60_000);

  for (let file = 0; file < FILES; file += 2) {
    await expectContent(client, `/kept/${file}`, { seed: file, sizeBytes: FILE_BYTES });
  }
  expect(await client.redundancy()).toMatchObject({ isExact: true, debtChunks: 0 });
  await expectSound(client);
  const copies = await copiesOnDisks(cluster);
  expect(copies.size).toBe((FILES / 2) * CHUNKS_PER_FILE);
  const short = [...copies].filter(([, holders]) => holders.length < WANTED_COPIES);
  expect(short).toEqual([]);
});

/** Kills the coordinator each time that some of the work is done, then waits until none is left. */
async function whileItLasts(
  cluster: ProcessCluster,
  left: () => Promise<number | undefined>,
): Promise<void> {
  let before = await eventually(async () => {
    const most = await left();
    expect(most).toBeGreaterThan(0);
    return most ?? 0;
  });
  for (let kill = 0; kill < KILLS; kill++) {
    before = await eventually(async () => {
      const now = await left();
      expect(now).toBeLessThan(before);
      return now ?? 0;
    });
    expect(before).toBeGreaterThan(0);
    await cluster.restartCoordinator();
  }
  await eventually(async () => expect(await left()).toBe(0), 60_000);
}

/** What a node that is to be emptied still keeps; 0 only when it is drained. */
async function leftOn(client: CairnClient, nodeNumber: number): Promise<number | undefined> {
  const { drains } = await client.members.moves();
  const drain = drains.find((candidate) => candidate.nodeNumber === nodeNumber);
  if (drain?.state === "drained") return 0;
  if (drain?.leftBytes === 0) return undefined;
  return drain?.leftBytes;
}
