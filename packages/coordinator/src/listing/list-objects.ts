import type { KvReader } from "@cairnfs/kv/kv-store";
import { prefixEnd } from "@cairnfs/kv/ordered-key";
import type { InodeId } from "../namespace/ids.ts";
import { type KeyRange, PAGE_BYTES_MAX } from "./key-range.ts";
import { ObjectWalk } from "./object-walk.ts";

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
 * many empty directories lie between them. Keys that share a common prefix are passed over, not read.
 */
export async function listObjects(
  reader: KvReader,
  bucketId: InodeId,
  range: KeyRange,
  limit: number,
): Promise<ObjectPage> {
  const items: ListedKey[] = [];
  let sizeBytes = 0;
  const walk = new ObjectWalk(reader, bucketId, range);
  await walk.moveTo(range.start);
  for (;;) {
    const place = await walk.place();
    if (place === undefined) return { items, nextAfter: walk.stoppedAt };
    const { key, rolledUp } = place;
    const record = rolledUp === undefined ? place.record : undefined;
    sizeBytes += 2 * key.byteLength + (record?.byteLength ?? 0);
    const last = items.at(-1);
    if (last !== undefined && (items.length === limit || sizeBytes > PAGE_BYTES_MAX)) {
      return { items, nextAfter: last.key };
    }
    items.push({ key: rolledUp ?? key, record });
    if (rolledUp === undefined) walk.pass();
    else await walk.moveTo(Buffer.from(prefixEnd(rolledUp)));
  }
}
