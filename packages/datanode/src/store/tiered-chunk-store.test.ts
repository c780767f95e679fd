import { ByteBudget } from "@cairnfs/base/byte-budget";
import { Prng } from "@cairnfs/base/random";
import type { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { describeChunkStore } from "./chunk-store.contract.ts";
import { newestHeader } from "./file/chunk-file.ts";
import { FileChunkStore, type StoreParts } from "./file/file-chunk-store.ts";
import { decodeRecordHead, headBytesOf, recordBytesOf } from "./segment/record.ts";
import { SegmentChunkStore } from "./segment/segment-chunk-store.ts";
import { SEGMENT_HEADER_BYTES } from "./segment/segment-format.ts";
import { diskTrial } from "./testing/disk-trial.ts";
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

describeChunkStore("TieredChunkStore", (options) => diskTrial(open, findData, options));
