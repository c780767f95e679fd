import type { KvReader } from "@cairnfs/kv/kv-store";
import { isBucketName } from "@cairnfs/protocol/bucket-name";
import { buckets, entries } from "../keyspace.ts";
import { type DirectoryEntry, sortNameOf } from "../namespace/entry.ts";
import { ROOT_ID } from "../namespace/ids.ts";
import { impliedBucket } from "./bucket-record.ts";
import type { FoundBucket } from "./read-bucket.ts";

export const BUCKETS_LIMIT_MAX = 1_000;
/** A page ends early rather than look at more of what else is at the root. */
const ROWS_MAX = 10_000;
const PAGE_ROWS = 500;

export interface BucketPage {
  readonly after: string;
  readonly prefix: string;
  readonly limit: number;
}

export interface ListedBuckets {
  readonly buckets: readonly FoundBucket[];
  /** Empty when there are no more. */
  readonly nextAfter: string;
}

/**
 * The buckets after the name `after`, in byte order of their names: at most `limit`, or fewer when much else is at the root. Directories are stored by
 * their names with a "/", which sorts "a-b" and "a.b" before "a": so who meets one of those looks whether "a" is there.
 */
export async function listBuckets(
  reader: KvReader,
  page: BucketPage,
  rowsMax = ROWS_MAX,
): Promise<ListedBuckets> {
  const found: [string, DirectoryEntry][] = [];
  let last = page.after;
  const isWanted = (name: string) => name > last && name.startsWith(page.prefix);
  const finish = async (nextAfter: string): Promise<ListedBuckets> => ({
    buckets: await withRecords(reader, found.slice(0, page.limit)),
    nextAfter,
  });
  const take = (name: string, entry: DirectoryEntry) => {
    found.push([name, entry]);
    last = name;
  };

  let from: string = later(page.after === "" ? "" : `${page.after}-`, page.prefix);
  const limit = Math.min(PAGE_ROWS, rowsMax);
  let left = rowsMax;
  for (;;) {
    const rows = await entries.page(reader, {
      within: [ROOT_ID, page.prefix],
      from: [ROOT_ID, from],
      limit,
    });
    left -= rows.length;
    const isEnd = rows.length < limit;
    for (const [at, { key, value }] of rows.entries()) {
      const sortName = key[1];
      const name = value.kind === "directory" ? sortName.slice(0, -1) : sortName;
      const isLastLook = left <= 0 && !isEnd && at === rows.length - 1;
      const isBucket = value.kind === "directory" && isBucketName(name);
      if ((isBucket || isLastLook) && isWanted(name)) {
        for (const [shorter, entry] of await readShorter(reader, name, isWanted)) {
          take(shorter, entry);
        }
        if (isBucket) take(name, value);
      }
      if (found.length > page.limit) return finish(found[page.limit - 1]?.[0] ?? "");
      if (isLastLook) return finish(later(last, name));
      from = `${sortName}\0`;
    }
    if (isEnd) return finish("");
  }
}

/** The buckets that sort before `name` and are stored behind it: its beginnings before a "-" or ".", shortest first. */
async function readShorter(
  reader: KvReader,
  name: string,
  isWanted: (name: string) => boolean,
): Promise<(readonly [string, DirectoryEntry])[]> {
  const names = [...name.matchAll(/[-.]/gu)]
    .map(({ index }) => name.slice(0, index))
    .filter((shorter) => isBucketName(shorter) && isWanted(shorter));
  if (names.length === 0) return [];
  const found = await entries.getMany(
    reader,
    names.map((shorter) => [ROOT_ID, sortNameOf(shorter, "directory")]),
  );
  return names.flatMap((shorter, at) => {
    const entry = found[at];
    return entry?.kind === "directory" ? [[shorter, entry] as const] : [];
  });
}

async function withRecords(
  reader: KvReader,
  found: readonly (readonly [string, DirectoryEntry])[],
): Promise<FoundBucket[]> {
  const records = await buckets.getMany(
    reader,
    found.map(([, entry]) => entry.inodeId),
  );
  return found.map(([name, entry], at) => ({
    name,
    entry,
    record: records[at] ?? impliedBucket(entry.inodeId),
  }));
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}
