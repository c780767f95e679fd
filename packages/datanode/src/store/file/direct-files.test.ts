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
