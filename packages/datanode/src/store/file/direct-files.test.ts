import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { expect, test } from "vitest";
import { diskForStore, partsFor, TRIAL_FOLDER } from "../testing/disk-trial.ts";
import { putChunk, readChunk, sampleChunk } from "../testing/sample-chunk.ts";
import { FileChunkStore } from "./file-chunk-store.ts";

const MIB = 1024 * 1024;

test.each([true, false])(
  "chunks of any length end where they should, with direct files: %s",
  async (hasDirectFiles) => {
    const disk = await diskForStore(1);
    disk.hasDirectFiles = hasDirectFiles;
    const store = await FileChunkStore.open(TRIAL_FOLDER, partsFor(disk, new SimClock()));
    for (const lengthBytes of [1, 4095, 4096, MIB, 2 * MIB + 4097]) {
      const chunk = sampleChunk(lengthBytes);
      await putChunk(store, chunk);
      expect(Buffer.compare(await readChunk(store, chunk), chunk.bytes)).toBe(0);
      const path = disk.paths().find((each) => each.endsWith(chunk.id)) ?? "";
      expect(disk.content(path).byteLength).toBe(12_288 + lengthBytes);
    }
  },
);

test("a disk that is full when the store opens is written through the cache", async () => {
  const disk = await diskForStore(1);
  disk.limit(0);
  const store = await FileChunkStore.open(TRIAL_FOLDER, partsFor(disk, new SimClock()));
  expect(disk.paths().filter((path) => path.includes("drafts"))).toEqual([]);
  disk.limit(64 * MIB);
  const chunk = sampleChunk(5000);
  await putChunk(store, chunk);
  expect(Buffer.compare(await readChunk(store, chunk), chunk.bytes)).toBe(0);
});

test("much is read past the cache until it is read often, with the same bytes", async () => {
  const disk = await diskForStore(1);
  const store = await FileChunkStore.open(TRIAL_FOLDER, partsFor(disk, new SimClock()));
  const chunk = sampleChunk(3 * MIB + 4097);
  await putChunk(store, chunk);
  const memories: ArrayBufferLike[][] = [];
  for (const _round of [1, 2, 3]) {
    const pieces: Uint8Array[] = [];
    const used: ArrayBufferLike[] = [];
    for await (const { data, release } of store.read(chunk.id, wholeOf(chunk.bytes))) {
      pieces.push(Buffer.from(data));
      used.push(data.buffer);
      release?.();
    }
    expect(Buffer.compare(Buffer.concat(pieces), chunk.bytes)).toBe(0);
    memories.push(used);
  }
  const isReused = memories.map((used) => new Set(used).size < used.length);
  // Directly, what was given back is used for a later piece.
  expect(isReused).toEqual([true, true, false]);
});

test("a chunk of more blocks than the head has checksums for is read past the cache", async () => {
  const disk = await diskForStore(1);
  const store = await FileChunkStore.open(TRIAL_FOLDER, partsFor(disk, new SimClock()));
  const chunk = sampleChunk(65 * MIB);
  await putChunk(store, chunk);
  let blocks = 0;
  for await (const { blockChecksums } of store.read(chunk.id, wholeOf(chunk.bytes))) {
    blocks += blockChecksums.length;
  }
  expect(blocks).toBe(65 * 16);
});

function wholeOf(bytes: Uint8Array) {
  return { offsetBytes: 0, lengthBytes: bytes.byteLength };
}
