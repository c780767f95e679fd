import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectThreeCopies } from "../support/disks.ts";
import { edgesOf, expectModestMemory, type FileShape, roundTrip } from "../support/file-matrix.ts";
import { MIB } from "../support/verify.ts";

const SIZES_BYTES = [MIB, 10 * MIB, 100 * MIB, 1024 * MIB];
const CHUNK_SIZES_BYTES = [16 * MIB, 64 * MIB, 256 * MIB, 512 * MIB];
const SHAPES: readonly FileShape[] = CHUNK_SIZES_BYTES.flatMap((chunkSizeBytes) => [
  ...SIZES_BYTES.map((sizeBytes) => ({ sizeBytes, chunkSizeBytes })),
  ...edgesOf(chunkSizeBytes),
]);

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await ProcessCluster.start({
    name: "file-matrix-long",
    coordinator: { CAIRN_CONTENT_GRACE_MS: "100", CAIRN_CHUNK_GRACE_MS: "100" },
  });
});
afterAll(() => cluster[Symbol.asyncDispose]());

for (const [index, shape] of SHAPES.entries()) {
  test(`${shape.sizeBytes} bytes in chunks of ${shape.chunkSizeBytes} come back as they went in`, async () => {
    const client = await cluster.connect();
    const path = await roundTrip(cluster, client, shape);
    expect((await client.stat(path)).sizeBytes).toBe(shape.sizeBytes);
    // The disk of a small machine does not hold the whole matrix three times: keep the last ones.
    if (index < SHAPES.length - 5) await client.remove(path, { forever: true });
  });
}

test("every chunk has three verified copies on the disks of distinct nodes, and no process needed much memory", async () => {
  expectModestMemory(cluster);
  const client = await cluster.connect();
  const { chunkCount } = await client.clusterState();
  await expectThreeCopies(cluster, chunkCount);
});
