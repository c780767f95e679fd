import { Prng } from "@cairnfs/base/random";
import type { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { expect, test } from "vitest";
import type { ChunkStore } from "./chunk-store.ts";
import { SLOT_BYTES } from "./file/chunk-file.ts";
import { openChunkStore } from "./open-store.ts";
import { headBytesOf } from "./segment/record.ts";
import { SEGMENT_HEADER_BYTES } from "./segment/segment-format.ts";
import { diskForStore, TRIAL_FOLDER } from "./testing/disk-trial.ts";
import { putChunk, type SampleChunk, sampleChunk } from "./testing/sample-chunk.ts";

const MIB = 1024 * 1024;
const never = new AbortController().signal;

function open(disk: FaultDisk, clock = new SimClock()) {
  return openChunkStore(
    "segment",
    TRIAL_FOLDER,
    { disk, clock, random: new Prng(3) },
    { reserveBytes: 0 },
  );
}

function rot(disk: FaultDisk, { id, bytes }: SampleChunk): void {
  const file = disk.paths().find((path) => path.includes("/chunks/") && path.endsWith(id));
  const segment = disk.paths().find((path) => path.endsWith(".segment")) ?? "";
  if (file !== undefined) disk.flipBit(file, 3 * SLOT_BYTES * 8);
  else disk.flipBit(segment, (SEGMENT_HEADER_BYTES + headBytesOf(bytes.length) + 9) * 8);
}

/** What the files in the store's folder take. */
function bytesOn(disk: FaultDisk): number {
  const counted = disk.paths().filter((path) => /\/(chunks|segments|quarantine)\//u.test(path));
  return counted.reduce((sum, path) => sum + disk.content(path).byteLength, 0);
}

/** The newest segment may end within a page that is counted when it is full. */
async function expectUsed(store: ChunkStore, disk: FaultDisk, chunkCount: number): Promise<void> {
  const space = await store.space();
  expect(Math.abs(space.usedBytes - bytesOn(disk))).toBeLessThan(4096);
  expect(space.chunkCount).toBe(chunkCount);
}

test("copies in quarantine are counted once, however the store was closed before", async () => {
  const disk = await diskForStore(1);
  let store = await open(disk);
  const chunks = [sampleChunk(30_000), sampleChunk(2 * MIB, 2)];
  for (const chunk of chunks) await putChunk(store, chunk);
  await putChunk(store, sampleChunk(2 * MIB, 3));
  for (const chunk of chunks) {
    rot(disk, chunk);
    expect(await store.verify(chunk.id, never)).toBe("corrupt");
  }
  await expectUsed(store, disk, 1);
  for (let round = 0; round < 3; round++) {
    await store.close();
    store = await open(disk);
    await expectUsed(store, disk, 1);
  }
  const after = disk.crash();
  store = await open(after);
  await expectUsed(store, after, 1);
});

test("copies that are set aside at once, and again in the same instant, are counted as they lie there", async () => {
  const disk = await diskForStore(1);
  const clock = new SimClock();
  let store = await open(disk, clock);
  const chunks = Array.from({ length: 40 }, (_, seed) => sampleChunk(MIB + 9, seed));
  const setAsideAll = async () => {
    for (const chunk of chunks) await putChunk(store, chunk);
    for (const chunk of chunks) rot(disk, chunk);
    await Promise.all(chunks.map((chunk) => store.verify(chunk.id, never)));
    await expectUsed(store, disk, 0);
  };
  await setAsideAll();
  await setAsideAll();
  await store.close();
  store = await open(disk, clock);
  await expectUsed(store, disk, 0);
});
