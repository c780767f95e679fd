import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectThreeCopies } from "../support/disks.ts";
import { edgesOf, expectModestMemory, type FileShape, roundTrip } from "../support/file-matrix.ts";
import { MIB } from "../support/verify.ts";

/** The part of the matrix that ends within a minute; the whole is file-matrix.long.test.ts. */
const SHAPES: readonly FileShape[] = [
  ...edgesOf(64 * 1024),
  ...edgesOf(16 * MIB),
  { sizeBytes: MIB, chunkSizeBytes: 16 * MIB },
  { sizeBytes: 10 * MIB, chunkSizeBytes: 64 * MIB },
  { sizeBytes: 100 * MIB, chunkSizeBytes: 16 * MIB },
  { sizeBytes: 100 * MIB, chunkSizeBytes: 64 * MIB },
  { sizeBytes: 256 * MIB, chunkSizeBytes: 64 * MIB },
  { sizeBytes: 256 * MIB, chunkSizeBytes: 256 * MIB },
];

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await ProcessCluster.start({ name: "file-matrix" });
});
afterAll(() => cluster[Symbol.asyncDispose]());

for (const shape of SHAPES) {
  test(`${shape.sizeBytes} bytes in chunks of ${shape.chunkSizeBytes} come back as they went in`, async () => {
    const client = await cluster.connect();
    const path = await roundTrip(cluster, client, shape);
    expect((await client.stat(path)).sizeBytes).toBe(shape.sizeBytes);
  });
}

test("every chunk has three verified copies on the disks of distinct nodes, and no process needed much memory", async () => {
  expectModestMemory(cluster);
  const client = await cluster.connect();
  const { chunkCount } = await client.clusterState();
  await expectThreeCopies(cluster, chunkCount);
});
