import type { KvReader } from "@cairnfs/kv/kv-store";
import { prefixEnd } from "@cairnfs/kv/ordered-key";
import { ListingWriter } from "../namespace/entry-wire.ts";
import type { InodeId } from "../namespace/ids.ts";
import { type KeyRange, PAGE_BYTES_MAX } from "./key-range.ts";
import { ObjectWalk } from "./object-walk.ts";

const NO_MORE = new Uint8Array(0);

export interface ListObjects {
  readonly bucketId: InodeId;
  /** The bucket has or had versioning. */
  readonly isVersioned: boolean;
  readonly range: KeyRange;
  readonly limit: number;
}

/**
 * The objects of a bucket that are in the range, in byte order of their keys: at most `limit` with the common prefixes, or fewer where they are large or
 * many empty directories lie between them. Keys that share a common prefix are passed over, not read. The answer is an encoded `ListObjectsResponse`.
 */
export async function listObjects(reader: KvReader, request: ListObjects): Promise<Uint8Array> {
  const { bucketId, isVersioned, range, limit } = request;
  const response = new ListingWriter();
  const walk = new ObjectWalk(reader, bucketId, range);
  await walk.moveTo(range.start);
  let last: Buffer | undefined;
  for (let left = limit; ; left--) {
    const place = await walk.place();
    if (place === undefined) return response.finish(walk.stoppedAt ?? NO_MORE);
    if (left === 0) return response.finish(last ?? NO_MORE);
    const { key, rolledUp, record } = place;
    const { sizeBytes } = response;
    if (rolledUp === undefined) response.addObject(key, record, isVersioned);
    else response.addCommonPrefix(rolledUp);
    if (response.sizeBytes > PAGE_BYTES_MAX && last !== undefined) {
      response.cut(sizeBytes);
      return response.finish(last);
    }
    last = rolledUp ?? key;
    if (rolledUp === undefined) walk.pass();
    else await walk.moveTo(Buffer.from(prefixEnd(rolledUp)));
  }
}
