import { ByteBudget } from "@cairnfs/base/byte-budget";
import { Prng } from "@cairnfs/base/random";
import type { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { describeChunkStore } from "./chunk-store.contract.ts";
import { newestHeader } from "./file/chunk-file.ts";
import { FileChunkStore, type StoreParts } from "./file/file-chunk-store.ts";
import { decodeRecordHead, headBytesOf, recordBytesOf } from "./segment/record.ts";
import { SegmentChunkStore } from "./segment/segment-chunk-store.ts";
import { SEGMENT_HEADER_BYTES } from "./segment/segment-format.ts";
import { diskForStore, diskTrial, partsFor, TRIAL_FOLDER } from "./testing/disk-trial.ts";
import { putChunk, sampleChunk } from "./testing/sample-chunk.ts";
import { TieredChunkStore } from "./tiered-chunk-store.ts";

async function open(folder: string, given: StoreParts): Promise<TieredChunkStore> {
  const parts = { ...given, random: new Prng(1) };
  const large = await FileChunkStore.open(folder, parts);
  const small = await SegmentChunkStore.open(folder, parts, { segmentBytesMax: 256 * 1024 });
  return new TieredChunkStore({ small, large }, parts, new ByteBudget(4 * 1024 * 1024));
}

/** Where the data of the copy that holds is: the last of its records, or its file. */
function findData(disk: FaultDisk, id: ChunkId): { path: string; position: number } {
  let found: { path: string; position: number } | undefined;
  for (const path of disk.paths()) {
    const content = Buffer.from(disk.content(path));
    if (path.endsWith(id) && path.includes("/chunks/")) {
      found = { path, position: newestHeader(content)?.header.dataOffsetBytes ?? 0 };
    }
    if (!path.endsWith(".segment")) continue;
    for (let at = SEGMENT_HEADER_BYTES; ; ) {
      const record = decodeRecordHead(content, at);
      if (record === undefined) break;
      if (chunkIdFromBytes(record.id) === id && record.lengthBytes > 0) {
        found = { path, position: at + headBytesOf(record.lengthBytes) };
      }
      at += recordBytesOf(record.lengthBytes);
    }
  }
  if (found === undefined) throw new Error(`${id} is nowhere on the disk`);
  return found;
}

const LARGE = sampleChunk(1024 * 1024);
const failed = { reason: "storeFailed" };

async function openOn(disk: FaultDisk): Promise<TieredChunkStore> {
  return open(TRIAL_FOLDER, partsFor(disk, new SimClock()));
}

test("the last large chunk is gone when its deletion is durable, however often one asks", async () => {
  const disk = await diskForStore(1);
  const store = await openOn(disk);
  await putChunk(store, LARGE);
  const heal = disk.fail({ code: "EIO", operations: ["syncFolder"] });
  await expect(store.delete(LARGE.id, 9)).rejects.toMatchObject(failed);
  await expect(store.delete(LARGE.id, 9)).rejects.toMatchObject(failed);
  heal();
  expect(await store.delete(LARGE.id, 9)).toBe(true);
  expect(await (await openOn(disk.crash())).list(undefined, 10)).toEqual([]);
});

test("two who delete the last large chunk at once both wait until it is durable", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const disk = await diskForStore(seed);
    const store = await openOn(disk);
    await putChunk(store, LARGE);
    await Promise.race([store.delete(LARGE.id, 9), store.delete(LARGE.id, 9)]);
    expect(await (await openOn(disk.crash())).list(undefined, 10), `seed ${seed}`).toEqual([]);
  }
});

test("a deletion that could not be synced is made durable by the next start before anybody is told yes", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const disk = await diskForStore(seed);
    const store = await openOn(disk);
    await putChunk(store, LARGE);
    const heal = disk.fail({ code: "EIO", operations: ["syncFolder"], path: /\/chunks\// });
    await expect(store.delete(LARGE.id, 9)).rejects.toMatchObject(failed);
    heal();
    await store.close();
    expect(await (await openOn(disk)).delete(LARGE.id, 9)).toBe(true);
    expect(await (await openOn(disk.crash())).list(undefined, 10), `seed ${seed}`).toEqual([]);
  }
});

describeChunkStore("TieredChunkStore", (options) => diskTrial(open, findData, options));
