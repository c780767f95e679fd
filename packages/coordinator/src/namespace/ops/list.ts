import type { KvReader } from "@cairnfs/kv/kv-store";
import { entries } from "../../keyspace.ts";
import { nameOf } from "../entry.ts";
import type { InodeId } from "../ids.ts";
import type { Path } from "../path.ts";
import { type Located, requireDirectory } from "../resolve.ts";

export const LIST_LIMIT_MAX = 10_000;
export const LIST_LIMIT_DEFAULT = 1_000;

export interface Listing {
  readonly entries: readonly Located[];
  /** Where the next page starts; empty when this one was the last. */
  readonly nextAfter: string;
}

/**
 * The children of a directory after the sort name `after`, in key order, at most `limit`. A token is the sort name of
 * the last entry shown: what comes and goes between pages moves no other entry over the edge.
 */
export async function list(
  reader: KvReader,
  path: Path,
  page: { readonly after: string; readonly limit: number },
): Promise<Listing> {
  const directoryId = await requireDirectory(reader, path.names);
  return listDirectory(reader, directoryId, page);
}

async function listDirectory(
  reader: KvReader,
  directoryId: InodeId,
  page: { readonly after: string; readonly limit: number },
): Promise<Listing> {
  const rows = await entries.page(reader, {
    within: [directoryId],
    ...(page.after === "" ? {} : { after: [directoryId, page.after] as const }),
    limit: page.limit,
  });
  const last = rows.at(-1);
  return {
    entries: rows.map(({ key, value }) => ({
      parentId: directoryId,
      name: nameOf(key[1]),
      entry: value,
    })),
    nextAfter: last === undefined || rows.length < page.limit ? "" : last.key[1],
  };
}
