import { fileURLToPath } from "node:url";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { beginOneChunk } from "../support/begin-upload.ts";
import { expectContent, localFile, MIB } from "../support/verify.ts";

const SLOW_DATANODE = fileURLToPath(
  new URL("../../packages/testkit/dist/slow-datanode.js", import.meta.url),
);
const DISK_BYTES_PER_SECOND = 24 * MIB;
const SIZE_BYTES = 96 * MIB;

test("a replica on a slow disk slows the client down, and no process's memory grows by what waits", async () => {
  // Goal: back-pressure end to end. Method: of three nodes one writes 24 MiB/s, so all three copies of 96 MiB take
  // 4 s; without back-pressure the primary or the client would hold what the slow disk has not taken.
  await using cluster = await ProcessCluster.start({
    name: "slow-replica",
    datanodes: 3,
    datanode: (index) =>
      index === 2
        ? {
            script: SLOW_DATANODE,
            environment: { SLOW_DISK_BYTES_PER_SECOND: String(DISK_BYTES_PER_SECOND) },
          }
        : {},
  });
  const client = await cluster.connect();
  const content = { seed: 7, sizeBytes: SIZE_BYTES };
  const source = await localFile(cluster.folder, content);
  const { sessionId } = await beginOneChunk(cluster, { path: "/slow.bin", sizeBytes: SIZE_BYTES });
  const before = new Map(cluster.peaks());
  const clientBefore = process.memoryUsage().rss;

  const startedMs = performance.now();
  await client.resume(sessionId, source, {});
  const tookSeconds = (performance.now() - startedMs) / 1000;

  expect(tookSeconds).toBeGreaterThan((SIZE_BYTES / DISK_BYTES_PER_SECOND) * 0.7);
  for (const [name, peakBytes] of cluster.peaks()) {
    expect({ name, grewBytes: peakBytes - (before.get(name) ?? 0) }).toEqual({
      name,
      grewBytes: expect.toSatisfy((bytes: number) => bytes < 72 * MIB),
    });
  }
  expect(process.memoryUsage().rss - clientBefore).toBeLessThan(96 * MIB);
  await expectContent(client, "/slow.bin", content);
  const { underreplicatedChunks } = await client.clusterState();
  expect(underreplicatedChunks).toBe(0);
});
