import { eventually } from "@cairnfs/base/testing/eventually";
import type { CairnClient } from "@cairnfs/client";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { copiesOnDisks, verifiedChunksOf } from "../support/disks.ts";
import { expectContent, MIB } from "../support/verify.ts";

const WANTED_COPIES = 3;
const LOST = 2;
/** Long enough for the disks to be read, also while another suite uses them. */
const REPAIR_DELAY_MS = 24_000;
const FILES = [
  { path: "/large.bin", seed: 1, sizeBytes: 96 * MIB },
  { path: "/medium.bin", seed: 2, sizeBytes: 20 * MIB + 17 },
  ...Array.from({ length: 60 }, (_, at) => ({
    path: `/small/${at}.bin`,
    seed: 100 + at,
    sizeBytes: 5_000 + at * 7_919,
  })),
];

test("when one of six datanodes is lost, the debt is what a scan of the disks finds missing, and repair pays it", async () => {
  // Goal: the ledger says the truth within seconds, and repair copies no more than what is missing.
  // Method: the data folders are copied and read copy by copy while repair waits, the lost node's too.
  await using cluster = await ProcessCluster.start({
    name: "node-is-lost",
    coordinator: { CAIRN_REPAIR_DELAY_MS: String(REPAIR_DELAY_MS) },
  });
  const client = await cluster.connect();
  for (const { path, seed, sizeBytes } of FILES) {
    await client.put(path, contentOf(seed, sizeBytes), { chunkSizeBytes: 4 * MIB, parents: true });
  }
  const { chunkCount } = await client.clusterState();
  expect(await client.redundancy()).toMatchObject({ debtChunks: 0, missingBytes: 0 });

  await cluster.datanode(LOST).end();
  const lostAtMs = performance.now();
  await untilDead(client);
  const deadAtMs = performance.now();
  await eventually(async () => {
    const { isExact, debtChunks } = await client.redundancy();
    expect([isExact, debtChunks > 0]).toEqual([true, true]);
  }, 5_000);
  const countedMs = performance.now() - deadAtMs;
  const { missingBytes, debtChunks, debt } = await client.redundancy();
  const scan = await scanDisks(cluster);
  expect({ missingBytes, debtChunks }).toEqual(scan);
  expect(debt.filter(({ chunks }) => chunks > 0)).toMatchObject([
    { liveCopies: WANTED_COPIES - 1 },
  ]);
  await expectExplained(client);

  await eventually(async () => {
    const { isExact, debtChunks } = await client.redundancy();
    expect({ isExact, debtChunks }).toEqual({ isExact: true, debtChunks: 0 });
  }, 90_000);
  const healedMs = performance.now() - deadAtMs;
  const { repair } = await client.redundancy();
  console.info(
    [
      `missing: ${missingBytes} bytes in ${debtChunks} chunks`,
      `dead ${Math.round(deadAtMs - lostAtMs)} ms after its end`,
      `counted ${Math.round(countedMs)} ms later`,
      `healed ${Math.round(healedMs)} ms later, with a delay of ${REPAIR_DELAY_MS} ms`,
      `copied: ${repair.copiedBytes} bytes, ${(repair.copiedBytes / missingBytes).toFixed(3)} of the least possible`,
    ].join("\n"),
  );
  expect(repair.copiedBytes).toBe(missingBytes);
  for (const { path, ...content } of FILES) await expectContent(client, path, content);
  const copies = await copiesOnDisks(cluster);
  const holders = [...copies.values()].map((indexes) => indexes.filter((index) => index !== LOST));
  expect(holders.filter(({ length }) => length !== WANTED_COPIES)).toEqual([]);
  expect(copies.size).toBe(chunkCount);
});

/** What the disks say is missing: the copies that are wanted of each chunk and that are on none of the five disks. */
async function scanDisks(cluster: ProcessCluster) {
  const copies = new Map<string, { lengthBytes: number; live: number }>();
  for (const index of cluster.datanodes.keys()) {
    for (const [id, lengthBytes] of await verifiedChunksOf(cluster, index)) {
      const known = copies.get(id) ?? { lengthBytes, live: 0 };
      copies.set(id, { lengthBytes, live: known.live + Number(index !== LOST) });
    }
  }
  const short = [...copies.values()].filter(({ live }) => live < WANTED_COPIES);
  return {
    missingBytes: short.reduce(
      (sum, { live, lengthBytes }) => sum + (WANTED_COPIES - live) * lengthBytes,
      0,
    ),
    debtChunks: short.length,
  };
}

async function untilDead(client: CairnClient): Promise<void> {
  await eventually(async () => {
    const { nodes } = await client.clusterState();
    expect(nodes.filter(({ state }) => state === "dead")).toHaveLength(1);
  }, 20_000);
}

/** A chunk of the large file that lacks a copy is explained with the dead node, and waits for it. */
async function expectExplained(client: CairnClient): Promise<void> {
  for await (const { chunks, isExact, riskyChunks } of client.explain("/large.bin")) {
    expect(isExact).toBe(true);
    expect(riskyChunks).toBe(chunks.length);
    for (const chunk of chunks) {
      expect(chunk).toMatchObject({
        wantedCopies: WANTED_COPIES,
        liveCopies: WANTED_COPIES - 1,
        forecast: "waiting",
      });
      expect(chunk.untilMs).toBeGreaterThan(Date.now());
      const away = chunk.copies.filter(({ isLive }) => !isLive);
      expect(away).toMatchObject([{ state: "dead", deadSinceMs: expect.any(Number) }]);
      for (const copy of chunk.copies) if (copy.isLive) expect(copy.finding).toBe("held");
    }
  }
}
