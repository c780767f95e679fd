import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectContent, localFile, MIB } from "../support/verify.ts";

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await ProcessCluster.start({ name: "shared-chunks" });
});
afterAll(() => cluster[Symbol.asyncDispose]());

test("the same content put twice stores its chunks once", async () => {
  const client = await cluster.connect();
  const content = { seed: 51, sizeBytes: 40 * MIB };
  const source = await localFile(cluster.folder, content);
  await client.upload(source, "/twice/first.bin", { parents: true });
  const before = await client.clusterState();

  const result = await client.upload(source, "/twice/second.bin");
  const after = await client.clusterState();

  expect(result.sentBytes).toBe(0);
  expect(after.chunkCount).toBe(before.chunkCount);
  expect(after.uniqueBytes).toBe(before.uniqueBytes);
  expect(after.logicalBytes).toBe(before.logicalBytes + content.sizeBytes);
  await expectContent(client, "/twice/second.bin", content);
});

test("a copy takes no space and shares every chunk; removing the original leaves it whole", async () => {
  const client = await cluster.connect();
  const content = { seed: 52, sizeBytes: 256 * MIB };
  await client.put("/copies/original.bin", contentOf(content.seed, content.sizeBytes), {
    parents: true,
  });
  const before = await client.clusterState();

  const copied = await client.copy("/copies/original.bin", "/copies/copy.bin");
  const after = await client.clusterState();
  expect(copied.contentId).toBe((await client.stat("/copies/original.bin")).contentId);
  expect([after.chunkCount, after.uniqueBytes]).toEqual([before.chunkCount, before.uniqueBytes]);

  await client.remove("/copies/original.bin", { forever: true });
  await expectContent(client, "/copies/copy.bin", content);
});
