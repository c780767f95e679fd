import type { KvReader } from "@cairnfs/kv/kv-store";
import { prefixEnd } from "@cairnfs/kv/ordered-key";
import type { InodeId } from "../namespace/ids.ts";
import { commonPrefixOf, type KeyRange } from "./key-range.ts";
import { startsWith, TreeCursor, type TreeStep } from "./tree-cursor.ts";

/** A page ends early rather than be larger: a message has at most 4 MiB. */
const PAGE_BYTES_MAX = 2 * 1024 * 1024;
/** Or rather than look into more directories in which nothing is. */
const EMPTY_DIRECTORIES_MAX = 10_000;

/** An object, or what keys were rolled up into. */
export interface ListedKey {
  readonly key: Buffer;
  /** As it is stored; absent of a common prefix. */
  readonly record: Uint8Array | undefined;
}

export interface ObjectPage {
  readonly items: readonly ListedKey[];
  /** Where the next page goes on; `undefined` when this is the last. */
  readonly nextAfter: Buffer | undefined;
}

/**
 * The objects of a bucket that are in the range, in byte order of their keys: at most `limit` with the common prefixes, or fewer where they are large or
 * many empty directories lie between them. Keys that share a common prefix are passed over, not read. With the delimiter "/" a directory is a common prefix
 * whether or not anything is in it; otherwise directories are not seen.
 */
export async function listObjects(
  reader: KvReader,
  bucketId: InodeId,
  range: KeyRange,
  limit: number,
): Promise<ObjectPage> {
  const { prefix } = range;
  const byDirectory = range.delimiter.equals(SLASH);
  const items: ListedKey[] = [];
  let sizeBytes = 0;
  let emptyDirectories = 0;
  let left: Buffer | undefined;
  const cursor = new TreeCursor(reader, bucketId, (path) => {
    emptyDirectories += 1;
    left = path;
  });
  await cursor.seek(range.start);
  for (;;) {
    const step = await cursor.next();
    if (step === undefined || isBeyond(step, prefix)) return { items, nextAfter: undefined };
    if (emptyDirectories > EMPTY_DIRECTORIES_MAX) return { items, nextAfter: left };
    const rolledUp = startsWith(step.path, prefix) ? commonPrefixOf(step.path, range) : undefined;
    if (step.isDirectory && !(byDirectory && rolledUp !== undefined)) {
      cursor.enter(step);
      continue;
    }
    const item: ListedKey =
      rolledUp === undefined
        ? { key: step.path, record: step.record }
        : { key: rolledUp, record: undefined };
    sizeBytes += 2 * item.key.byteLength + (item.record?.byteLength ?? 0);
    const last = items.at(-1);
    if (last !== undefined && (items.length === limit || sizeBytes > PAGE_BYTES_MAX)) {
      return { items, nextAfter: last.key };
    }
    items.push(item);
    emptyDirectories = 0;
    if (rolledUp !== undefined) await cursor.seek(Buffer.from(prefixEnd(rolledUp)));
  }
}

const SLASH = Buffer.from("/");

/** Whether a walk has come past everything that has the prefix. A directory on the way to it has not. */
function isBeyond({ path, isDirectory }: TreeStep, prefix: Buffer): boolean {
  if (startsWith(path, prefix)) return false;
  return !(isDirectory && startsWith(prefix, path));
}
