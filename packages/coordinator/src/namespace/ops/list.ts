import type { KvReader } from "@cairnfs/kv/kv-store";
import { entries, SORT_NAME_OFFSET } from "../../keyspace.ts";
import { ListingWriter } from "../entry-wire.ts";
import type { Path } from "../path.ts";
import { requireDirectory } from "../resolve.ts";

export const LIST_LIMIT_MAX = 10_000;
export const LIST_LIMIT_DEFAULT = 1_000;

/** A page ends early rather than be larger: a message has at most 4 MiB. */
const PAGE_BYTES_MAX = 2 * 1024 * 1024;
/** How many rows are read at once. */
const READ_ROWS_MAX = 1_000;
const NO_MORE = new Uint8Array(0);

export interface ListPage {
  /** Continue after this sort name; empty starts. */
  readonly after: string;
  readonly limit: number;
}

/**
 * The children of a directory after the sort name `after`, in key order, at most `limit`, or fewer when they are
 * large: an encoded `ListResponse`. A token is the sort name of the last entry shown: what comes and goes between pages
 * moves no other entry over the edge. The file of the empty name, which is an object's, is the directory's own mark and not shown.
 */
export async function list(reader: KvReader, path: Path, page: ListPage): Promise<Uint8Array> {
  const directoryId = await requireDirectory(reader, path.names);
  const response = new ListingWriter();
  let { after } = page;
  for (let left = page.limit; left > 0; ) {
    const limit = Math.min(READ_ROWS_MAX, left);
    const rows = await entries.rawPage(reader, {
      within: [directoryId],
      after: [directoryId, after],
      limit,
    });
    let last: Uint8Array | undefined;
    for (const { key, value } of rows) {
      const sortName = key.subarray(SORT_NAME_OFFSET);
      const { sizeBytes } = response;
      response.add(sortName, value);
      if (response.sizeBytes > PAGE_BYTES_MAX && sizeBytes > 0) {
        response.cut(sizeBytes);
        return response.finish(last ?? Buffer.from(after));
      }
      last = sortName;
    }
    if (rows.length < limit || last === undefined) return response.finish(NO_MORE);
    left -= rows.length;
    after = Buffer.from(last).toString("utf8");
  }
  return response.finish(Buffer.from(after));
}
