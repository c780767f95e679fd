import type { KvReader } from "@cairnfs/kv/kv-store";
import { isBucketName } from "@cairnfs/protocol/bucket-name";
import { buckets, entries } from "../keyspace.ts";
import { type DirectoryEntry, sortNameOf } from "../namespace/entry.ts";
import { ROOT_ID } from "../namespace/ids.ts";
import { impliedBucket } from "./bucket-record.ts";
import type { FoundBucket } from "./read-bucket.ts";

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
  const gathered = new GatheredBuckets(reader, page);
  const limit = Math.min(PAGE_ROWS, rowsMax);
  let from = later(page.after === "" ? "" : `${page.after}-`, page.prefix);
  for (let left = rowsMax; ; ) {
    const within = [ROOT_ID, page.prefix] as const;
    const rows = await entries.page(reader, { within, from: [ROOT_ID, from], limit });
    left -= rows.length;
    for (const { key, value } of rows) {
      if (value.kind === "directory") await gathered.meet(key[1].slice(0, -1), value);
      if (gathered.isFull) return gathered.finish("");
    }
    const last = rows.at(-1)?.key[1];
    if (last === undefined || rows.length < limit) return gathered.finish("");
    if (left <= 0) return gathered.finish(await gathered.passUpTo(last));
    from = `${last}\0`;
  }
}

/** The buckets of a page so far. */
class GatheredBuckets {
  readonly #reader: KvReader;
  readonly #page: BucketPage;
  readonly #found: (readonly [string, DirectoryEntry])[] = [];
  /** All wanted names up to this one were met. */
  #last: string;

  constructor(reader: KvReader, page: BucketPage) {
    this.#reader = reader;
    this.#page = page;
    this.#last = page.after;
  }

  /** There is one more than the page takes. */
  get isFull(): boolean {
    return this.#found.length > this.#page.limit;
  }

  /** Takes a directory that is a wanted bucket, after those that sort before it and are stored behind it. */
  async meet(name: string, entry: DirectoryEntry): Promise<void> {
    if (!isBucketName(name) || !this.#isWanted(name)) return;
    await this.#takeShorter(name);
    this.#take(name, entry);
  }

  /** Takes what else sorts before the place that the rows were read to; gives the name up to which nothing is missing. */
  async passUpTo(sortName: string): Promise<string> {
    const name = sortName.endsWith("/") ? sortName.slice(0, -1) : sortName;
    if (this.#isWanted(name)) await this.#takeShorter(name);
    return later(this.#last, name);
  }

  async finish(nextAfter: string): Promise<ListedBuckets> {
    const shown = this.#found.slice(0, this.#page.limit);
    const last = shown.at(-1)?.[0] ?? "";
    return {
      buckets: await withRecords(this.#reader, shown),
      nextAfter: this.isFull ? last : nextAfter,
    };
  }

  readonly #isWanted = (name: string): boolean =>
    name > this.#last && name.startsWith(this.#page.prefix);

  async #takeShorter(name: string): Promise<void> {
    const shorter = await readShorter(this.#reader, name, this.#isWanted);
    for (const [found, entry] of shorter) this.#take(found, entry);
  }

  #take(name: string, entry: DirectoryEntry): void {
    this.#found.push([name, entry]);
    this.#last = name;
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
