import type { KvReader } from "@cairnfs/kv/kv-store";
import { entries } from "../../keyspace.ts";
import { type EntryRecord, nameOf } from "../entry.ts";
import type { InodeId } from "../ids.ts";
import type { Path } from "../path.ts";
import { type Located, requireDirectory } from "../resolve.ts";

export const LIST_LIMIT_MAX = 10_000;
export const LIST_LIMIT_DEFAULT = 1_000;

/** A page ends early rather than be larger: a message has at most 4 MiB. */
const PAGE_BYTES_MAX = 2 * 1024 * 1024;
/** How many rows are read at once. */
const READ_ROWS_MAX = 1_000;
/** The most that an entry's numbers, its SHA-256 and the framing of its fields come to. */
const ENTRY_BYTES = 192;

export interface ListPage {
  /** Continue after this sort name; empty starts. */
  readonly after: string;
  readonly limit: number;
}

export interface Listing {
  readonly entries: readonly Located[];
  /** Where the next page starts; empty when this one was the last. */
  readonly nextAfter: string;
}

/**
 * The children of a directory after the sort name `after`, in key order, at most `limit`, or fewer when they are
 * large. A token is the sort name of the last entry shown: what comes and goes between pages moves no other entry
 * over the edge.
 */
export async function list(reader: KvReader, path: Path, page: ListPage): Promise<Listing> {
  const directoryId = await requireDirectory(reader, path.names);
  const shown: Located[] = [];
  let { after } = page;
  let sizeBytes = 0;
  for (;;) {
    const limit = Math.min(READ_ROWS_MAX, page.limit - shown.length);
    if (limit === 0) return { entries: shown, nextAfter: after };
    const rows = await childrenAfter(reader, directoryId, after, limit);
    for (const { key, value } of rows) {
      sizeBytes += sizeOf(key[1], value);
      if (sizeBytes > PAGE_BYTES_MAX && shown.length > 0)
        return { entries: shown, nextAfter: after };
      shown.push({ parentId: directoryId, name: nameOf(key[1]), entry: value });
      after = key[1];
    }
    if (rows.length < limit) return { entries: shown, nextAfter: "" };
  }
}

function childrenAfter(reader: KvReader, directoryId: InodeId, after: string, limit: number) {
  const from = after === "" ? {} : { after: [directoryId, after] as const };
  return entries.page(reader, { within: [directoryId], ...from, limit });
}

/** What an entry comes to in a message, at most. */
function sizeOf(sortName: string, entry: EntryRecord): number {
  let sizeBytes = ENTRY_BYTES + Buffer.byteLength(sortName) + Buffer.byteLength(entry.contentType);
  for (const [name, value] of entry.userMetadata) {
    // Each pair is a message of its own, with up to four tags and lengths of up to three bytes.
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 16;
  }
  return sizeBytes;
}
