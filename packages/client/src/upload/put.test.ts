import { Readable } from "node:stream";
import { sha256 } from "@cairnfs/base/checksum";
import { toHex } from "@cairnfs/base/hex";
import { expect, test } from "vitest";
import { MemoryCluster } from "../testing/memory-cluster.ts";
import { inParts, testBytes } from "../testing/test-bytes.ts";
import type { UploadSource } from "./source.ts";

const CHUNK = 256 * 1024;

const SIZES = [0, 1, 4_096, 4_097, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5];

test.each(SIZES)("%i bytes of a stream of unknown length come back as they were", async (size) => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const bytes = size < 4 ? new Uint8Array(size).fill(7) : testBytes(size);
  const { entry } = await client.put("/a", inParts(bytes, 100_001), { checksum: true });
  expect(entry.sizeBytes).toBe(size);
  expect(entry.sha256).toBe(toHex(sha256(bytes)));
  expect(entry.chunkCount).toBe(size <= 4_096 ? 0 : Math.ceil(size / CHUNK));
  expect(Buffer.from(await client.getBytes("/a")).equals(bytes)).toBe(true);
  expect(client.memory.uploads.usedBytes).toBe(0);
});

test.each(SIZES)("%i bytes in memory come back as they were", async (size) => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const bytes = size < 4 ? new Uint8Array(size).fill(7) : testBytes(size);
  const { entry } = await client.put("/a", bytes, { checksum: true });
  expect(entry.sizeBytes).toBe(size);
  expect(entry.sha256).toBe(toHex(sha256(bytes)));
  expect(Buffer.from(await client.getBytes("/a")).equals(bytes)).toBe(true);
});

test("every kind of source arrives whole", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const bytes = testBytes(CHUNK * 2 + 77);
  const sources: Record<string, () => UploadSource> = {
    buffer: () => Buffer.from(bytes),
    arrayBuffer: () => Uint8Array.from(bytes).buffer,
    blob: () => new Blob([Uint8Array.from(bytes)]),
    readable: () => Readable.from(inParts(bytes, 70_000)),
    webStream: () => new Blob([Uint8Array.from(bytes)]).stream(),
    iterable: () => [bytes.subarray(0, 1_000), bytes.subarray(1_000)],
  };
  for (const [name, source] of Object.entries(sources)) {
    await client.put(`/${name}`, source());
    expect(Buffer.from(await client.getBytes(`/${name}`)).equals(bytes), name).toBe(true);
  }
  await client.put("/text", "grüß dich");
  expect(await (await client.get("/text")).text()).toBe("grüß dich");
});

test("a file up to the inline limit is one call to the coordinator and none to a node", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  cluster.coordinator.calls.clear();
  await client.put("/a", testBytes(4_096));
  expect(Object.fromEntries(cluster.coordinator.calls)).toEqual({ putFile: 1 });
  expect(cluster.receivedBytes).toBe(0);
});

test("what is not bytes is refused and leaves nothing", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  // What a program without types may pass.
  const numbers = [1, 2, 3] as unknown as UploadSource;
  await expect(client.put("/a", numbers)).rejects.toMatchObject({ reason: "invalidArgument" });
  await expect(client.stat("/a")).rejects.toMatchObject({ reason: "pathNotFound" });
});

test("the hash of the whole file is kept where it costs nothing, and where it is asked for", async () => {
  await using cluster = await MemoryCluster.open();
  const client = await cluster.connect();
  const whole = testBytes(CHUNK);
  const { entry } = await client.put("/one", whole);
  expect(entry.sha256).toBe(toHex(sha256(whole)));
  expect((await client.put("/two", testBytes(CHUNK + 1))).entry.sha256).toBeUndefined();
});
