import type { KvReader } from "@cairnfs/kv/kv-store";
import { type Counters, readCounters } from "../counters.ts";
import {
  chunks,
  contents,
  garbageChunks,
  sessionExpiries,
  sessions,
  TOMB_KIND,
  tombstones,
  trashDues,
} from "../keyspace.ts";
import { type ContentId, contentId } from "../namespace/ids.ts";
import { readChunkMap } from "../namespace/read-chunk-map.ts";
import type { TrashSize } from "./trash-record.ts";

/** So many contents are looked at for one answer. */
const CONTENTS_MAX = 1_000;
const ROWS_MAX = 1_000;

/** Bytes on their way out, at one stage of it. */
export interface ReclaimableBytes {
  readonly name: "removed" | "garbage" | "uploads";
  readonly items: number;
  readonly logicalBytes: number;
  readonly diskBytes: number;
  /** When the first and the last of it move on; 0 when that is not known or nothing is there. */
  readonly nextDueMs: number;
  readonly lastDueMs: number;
  /** Not everything was looked at: the figures are the least. */
  readonly isPartial: boolean;
}

/** What will be free on the nodes, and when. */
export interface Reclaimable {
  readonly trash: {
    readonly items: number;
    /** What of them has not been added up, and is in no sum. */
    readonly unsizedItems: number;
    readonly size: TrashSize;
    readonly nextDueMs: number;
    readonly lastDueMs: number;
  };
  readonly parts: readonly ReclaimableBytes[];
}

/** What will be free of one moment. Chunks that others share are counted as if they were not. */
export async function readReclaimable(reader: KvReader): Promise<Reclaimable> {
  const counters = await readCounters(reader);
  return {
    trash: {
      items: counters.trashItems,
      unsizedItems: counters.trashUnsized,
      size: {
        files: counters.trashFiles,
        directories: counters.trashDirectories,
        logicalBytes: counters.trashLogicalBytes,
        diskBytes: counters.trashDiskBytes,
      },
      nextDueMs: (await trashDues.first(reader))?.key[0] ?? 0,
      lastDueMs: (await trashDues.first(reader, { reverse: true }))?.key[0] ?? 0,
    },
    parts: [
      await readRemoved(reader),
      await readGarbage(reader, counters),
      await readUploads(reader),
    ],
  };
}

async function readRemoved(reader: KvReader): Promise<ReclaimableBytes> {
  const rows = await tombstones.page(reader, { limit: CONTENTS_MAX });
  const removed = rows.flatMap(({ key: [, kind, id] }) =>
    kind === TOMB_KIND.content ? [contentId(id)] : [],
  );
  const last = await tombstones.first(reader, { reverse: true });
  return {
    name: "removed",
    items: rows.length,
    ...(await bytesOf(reader, removed)),
    nextDueMs: rows[0]?.key[0] ?? 0,
    lastDueMs: last?.key[0] ?? 0,
    // What is below a directory is not known before it is taken apart.
    isPartial: rows.length === CONTENTS_MAX || removed.length < rows.length,
  };
}

async function readGarbage(reader: KvReader, counters: Counters): Promise<ReclaimableBytes> {
  return {
    name: "garbage",
    items: counters.garbageChunks,
    logicalBytes: counters.garbageBytes,
    diskBytes: counters.garbageDiskBytes,
    nextDueMs: await garbageDue(reader, false),
    lastDueMs: await garbageDue(reader, true),
    isPartial: false,
  };
}

/** When the first or the last garbage falls due; among the rows are those of deleted chunks, which take no room. */
async function garbageDue(reader: KvReader, reverse: boolean): Promise<number> {
  const rows = await garbageChunks.page(reader, { limit: ROWS_MAX, reverse });
  const records = await chunks.getMany(
    reader,
    rows.map(({ key }) => key[1]),
  );
  const at = records.findIndex((record) => record?.state === "garbage");
  return rows[at]?.key[0] ?? 0;
}

async function readUploads(reader: KvReader): Promise<ReclaimableBytes> {
  const rows = await sessionExpiries.page(reader, { limit: CONTENTS_MAX });
  const found = await sessions.getMany(
    reader,
    rows.map(({ key }) => key[1]),
  );
  const open = found.filter((session) => session !== undefined && session.answer === undefined);
  const last = await sessionExpiries.first(reader, { reverse: true });
  const ids = open.flatMap((session) => (session === undefined ? [] : [session.contentId]));
  return {
    name: "uploads",
    items: open.length,
    ...(await bytesOf(reader, ids)),
    nextDueMs: open[0]?.expiresMs ?? 0,
    lastDueMs: open.length === 0 ? 0 : (last?.key[0] ?? 0),
    isPartial: rows.length === CONTENTS_MAX,
  };
}

/** What contents take: each chunk is taken to have as many copies as the first. */
async function bytesOf(reader: KvReader, ids: readonly ContentId[]) {
  let logicalBytes = 0;
  let diskBytes = 0;
  const records = await contents.getMany(reader, ids);
  for (const [at, id] of ids.entries()) {
    const sizeBytes = records[at]?.sizeBytes ?? 0;
    const [first] = await readChunkMap(reader, id, { offsetBytes: 0, limit: 1 });
    const chunk = first === undefined ? undefined : await chunks.get(reader, first.chunkId);
    logicalBytes += sizeBytes;
    diskBytes += sizeBytes * (chunk?.nodeNumbers.length ?? 0);
  }
  return { logicalBytes, diskBytes };
}
