import { toHex } from "@cairnfs/base/hex";
import { Prng } from "@cairnfs/base/random";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { ScrubReport } from "@cairnfs/protocol/gen/cairn/v1/scrub_pb";
import { expect, test } from "vitest";
import { openChunkStore } from "../store/open-store.ts";
import { putChunk, type SampleChunk, sampleChunk } from "../store/testing/sample-chunk.ts";
import { openDatanode, TrialCluster } from "../testing/trial-cluster.ts";

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;

/** Sets the clock on in steps in which the node gets everywhere. */
async function passTime(cluster: TrialCluster, ms: number): Promise<void> {
  const stepMs = 1000;
  for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
    for (let turn = 0; turn < 10; turn++) await cluster.clock.advance(0);
    await cluster.clock.advance(stepMs);
  }
}

test("a bad copy is reported until the coordinator has heard of it, whoever found it", async () => {
  await using cluster = await TrialCluster.open(1);
  const { store, client } = cluster.node(1);
  const [scrubbed, asked] = [sampleChunk(100, 1), sampleChunk(100, 2)];
  for (const chunk of [scrubbed, asked]) await putChunk(store, chunk);
  cluster.coordinator.isDeaf = true;
  store.corrupt(asked.id);
  await client.verifyChunk({ chunkId: chunkIdToBytes(asked.id) });
  store.corrupt(scrubbed.id);
  cluster.coordinator.scrubRequestedMs = cluster.clock.now();
  await passTime(cluster, 10_000);
  expect(cluster.coordinator.reports).toEqual([]);
  expect(await store.info(scrubbed.id)).toBeUndefined();

  cluster.coordinator.isDeaf = false;
  await passTime(cluster, 2 * MINUTE_MS);
  const told = cluster.coordinator.reports.map(({ chunkId, nodeNumber }) => [
    toHex(chunkId),
    nodeNumber,
  ]);
  expect(told.sort()).toEqual(
    [
      [scrubbed.id, 1],
      [asked.id, 1],
    ].sort(),
  );
  await passTime(cluster, 10 * MINUTE_MS);
  expect(cluster.coordinator.reports).toHaveLength(2);
});

test("heartbeats hand a request over and say how the scrub is, once when that is news and again to who asks", async () => {
  await using cluster = await TrialCluster.open(1);
  const { store } = cluster.node(1);
  const { coordinator } = cluster;
  await putChunk(store, sampleChunk(100));
  await passTime(cluster, MINUTE_MS);
  const before = coordinator.scrubs.length;
  await passTime(cluster, 10 * MINUTE_MS);
  expect(coordinator.scrubs).toHaveLength(before);

  coordinator.scrubRequestedMs = 77;
  await passTime(cluster, MINUTE_MS);
  const last = coordinator.scrubs.at(-1) as ScrubReport;
  expect(last).toMatchObject({ requestedMs: 77n, doneChunks: 1n, badCopies: 0n });
  expect(last.requestedDoneMs).not.toBe(0n);
  const afterwards = coordinator.scrubs.length;
  expect(afterwards - before).toBeLessThanOrEqual(3);

  coordinator.wantsScrubReport = true;
  await passTime(cluster, 3000);
  coordinator.wantsScrubReport = false;
  await passTime(cluster, MINUTE_MS);
  expect(coordinator.scrubs.length).toBeGreaterThan(afterwards);
  expect(coordinator.scrubs.at(-1)).toMatchObject({ requestedMs: 77n });
});

test("chunk files that are flipped, cut, emptied, unreadable or without a header are all found on the disk of a node", async () => {
  await using cluster = await TrialCluster.open(0);
  const disk = new FaultDisk(new Prng(5));
  const { clock, network } = cluster;
  const changes = { store: "segment" as const, scrubPeriodMs: 0, reserveBytes: 1 };
  const named = await openDatanode({ clock, network, number: 1, disk, changes });
  await named.close();
  const chunks = Array.from({ length: 7 }, (_, at) => sampleChunk(MIB + 10 + at, at));
  const store = await openChunkStore("segment", "/data", { disk, clock, random: new Prng(1) });
  for (const chunk of chunks) await putChunk(store, chunk);
  await store.close();
  const [flipped, cut, emptied, unread, headless, ...good] = chunks as [
    SampleChunk,
    SampleChunk,
    SampleChunk,
    SampleChunk,
    SampleChunk,
    SampleChunk,
    SampleChunk,
  ];
  const pathOf = ({ id }: SampleChunk) => disk.paths().find((path) => path.endsWith(id)) ?? "";
  disk.flipBit(pathOf(flipped), 8 * 500_000);
  disk.flipBit(pathOf(headless), 20);
  for (const [chunk, sizeBytes] of [
    [cut, 300_000],
    [emptied, 0],
  ] as const) {
    const file = await disk.open(pathOf(chunk), "update");
    await file.truncate(sizeBytes);
    await file.close();
  }
  disk.fail({ operations: ["read"], path: new RegExp(unread.id, "u"), code: "EIO" });

  const node = await openDatanode({ clock, network, number: 1, disk, changes });
  try {
    cluster.coordinator.scrubRequestedMs = 5;
    await passTime(cluster, MINUTE_MS);
    const told = cluster.coordinator.reports.map(({ chunkId }) => toHex(chunkId)).sort();
    expect(told).toEqual([flipped, cut, emptied, unread, headless].map(({ id }) => id).sort());
    const last = cluster.coordinator.scrubs.at(-1);
    expect(last).toMatchObject({ badCopies: 5n, quarantinedCopies: 5n, unreadableChunks: 0n });
    const held = disk.paths().filter((path) => path.startsWith("/data/chunks/"));
    expect(held.map((path) => path.slice(-64)).sort()).toEqual(good.map(({ id }) => id).sort());
  } finally {
    await node.close();
  }
});
