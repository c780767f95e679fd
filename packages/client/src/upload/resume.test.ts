import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CairnError } from "@cairnfs/base/errors";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { expect, test } from "vitest";
import { MemoryCluster } from "../testing/memory-cluster.ts";
import { testBytes } from "../testing/test-bytes.ts";

const CHUNK = 64 * 1024;
const CHUNKS = 40;

/** Breaks the cluster once so many chunks are stored, so that an upload is left in the middle. */
function breakAfter(cluster: MemoryCluster, chunkCount: number): void {
  let stored = 0;
  for (const node of cluster.nodes) {
    node.beforeTake = async () => {
      stored += 1;
      if (stored > chunkCount * 3) throw new CairnError("permissionDenied", "the test says stop");
    };
  }
}

function repair(cluster: MemoryCluster): void {
  for (const node of cluster.nodes) node.beforeTake = async () => undefined;
}

test("an upload that was interrupted goes on with its state file and sends nothing twice", async () => {
  await using cluster = await MemoryCluster.open({ chunkSizeBytes: CHUNK });
  await using folder = await temporaryFolder();
  const localFile = join(folder.path, "big");
  const stateFile = join(folder.path, "big.upload");
  const bytes = testBytes(CHUNKS * CHUNK + 17);
  await writeFile(localFile, bytes);

  breakAfter(cluster, 35);
  const first = await cluster.connect({ parallelChunks: 2 });
  await expect(first.upload(localFile, "/big", { stateFile })).rejects.toThrow(/says stop/u);
  const storedBytes = cluster.node(1).receivedBytes;
  expect(storedBytes).toBeGreaterThan(10 * CHUNK);

  repair(cluster);
  const second = await cluster.connect();
  const progress: number[] = [];
  const result = await second.upload(localFile, "/big", {
    stateFile,
    dedupe: false,
    onProgress: ({ doneBytes }) => progress.push(doneBytes),
  });
  expect(result.skippedBytes).toBeGreaterThanOrEqual(33 * CHUNK);
  expect(result.sentBytes + result.skippedBytes).toBe(bytes.byteLength);
  expect(progress.at(-1)).toBe(bytes.byteLength);
  // Each node has taken each chunk once, but for those that were cut off in the middle.
  expect(cluster.receivedBytes).toBeLessThan(3 * (bytes.byteLength + 4 * CHUNK));
  expect(Buffer.from(await second.getBytes("/big")).equals(bytes)).toBe(true);
  await expect(readFile(stateFile)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a session is resumed by its id", async () => {
  await using cluster = await MemoryCluster.open({ chunkSizeBytes: CHUNK });
  await using folder = await temporaryFolder();
  const localFile = join(folder.path, "big");
  const stateFile = join(folder.path, "state");
  const bytes = testBytes(10 * CHUNK);
  await writeFile(localFile, bytes);
  const client = await cluster.connect();
  breakAfter(cluster, 5);
  await expect(client.upload(localFile, "/big", { stateFile })).rejects.toThrow(/says stop/u);
  repair(cluster);
  const { sessionId } = JSON.parse(await readFile(stateFile, "utf8"));
  const result = await client.resume(sessionId, localFile, { dedupe: false });
  expect(result.skippedBytes).toBeGreaterThan(0);
  expect(Buffer.from(await client.getBytes("/big")).equals(bytes)).toBe(true);
  await expect(client.resume("00".repeat(16), localFile)).rejects.toMatchObject({
    reason: "uploadNotFound",
  });
});

test("a file that has changed since is uploaded from the start", async () => {
  await using cluster = await MemoryCluster.open({ chunkSizeBytes: CHUNK });
  await using folder = await temporaryFolder();
  const localFile = join(folder.path, "big");
  const stateFile = join(folder.path, "state");
  await writeFile(localFile, testBytes(CHUNKS * CHUNK));
  const client = await cluster.connect();
  breakAfter(cluster, 36);
  await expect(client.upload(localFile, "/big", { stateFile })).rejects.toThrow(/says stop/u);
  repair(cluster);
  const changed = testBytes(CHUNKS * CHUNK, 2);
  await writeFile(localFile, changed);
  await client.upload(localFile, "/big", { stateFile });
  expect(Buffer.from(await client.getBytes("/big")).equals(changed)).toBe(true);
});

test("a session that has expired, and a state file that is not one, mean from the start", async () => {
  await using cluster = await MemoryCluster.open({ chunkSizeBytes: CHUNK });
  await using folder = await temporaryFolder();
  const localFile = join(folder.path, "big");
  const stateFile = join(folder.path, "state");
  const bytes = testBytes(4 * CHUNK);
  await writeFile(localFile, bytes);
  const client = await cluster.connect();
  const states = [
    JSON.stringify({
      format: "cairn-upload-1",
      sessionId: "ab".repeat(16),
      path: "/big",
      sizeBytes: bytes.byteLength,
    }),
    "{",
    "null",
  ];
  for (const state of states) {
    await writeFile(stateFile, state);
    await client.upload(localFile, "/big", { stateFile });
    expect(Buffer.from(await client.getBytes("/big")).equals(bytes)).toBe(true);
  }
  await rm(localFile);
  await expect(client.upload(localFile, "/big")).rejects.toMatchObject({ code: "ENOENT" });
});

test("a local file of large chunks is read in slices, and again when a node fails", async () => {
  await using cluster = await MemoryCluster.open({ nodeCount: 4 });
  await using folder = await temporaryFolder();
  const localFile = join(folder.path, "big");
  const bytes = testBytes(20 * 1024 * 1024);
  await writeFile(localFile, bytes);
  const client = await cluster.connect({ memoryBytes: 12 * 1024 * 1024 });
  cluster.node(1).beforeTake = async (offsetBytes) => {
    if (offsetBytes > 3_000_000) throw new CairnError("storeFailed", "the disk errs");
  };
  const options = { chunkSizeBytes: 16 * 1024 * 1024 };
  const { entry } = await client.upload(localFile, "/big", options);
  expect(entry.chunkCount).toBe(2);
  expect(client.memory.uploads.peakBytes).toBeLessThanOrEqual(12 * 1024 * 1024);
  expect(Buffer.from(await client.getBytes("/big")).equals(bytes)).toBe(true);
});
