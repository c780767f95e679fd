import { CairnError } from "@cairnfs/base/errors";
import type { Awaitable, KvReader, KvTransaction } from "@cairnfs/kv/kv-store";
import { isBucketName } from "@cairnfs/protocol/bucket-name";
import { bucketDocuments, bucketLifecycles, buckets, entries } from "../keyspace.ts";
import { type DirectoryEntry, sortNameOf } from "../namespace/entry.ts";
import { type InodeId, ROOT_ID } from "../namespace/ids.ts";
import { type BucketRecord, impliedBucket } from "./bucket-record.ts";

/** A bucket and its directory. */
export interface FoundBucket {
  readonly name: string;
  readonly entry: DirectoryEntry;
  readonly record: BucketRecord;
}

/** What is kept of the top-level directory `id`: one read of a row that stays in memory. The record is shared. */
export function readBucket(reader: KvReader, id: InodeId): Awaitable<BucketRecord> {
  const found = buckets.getShared(reader, id);
  if (found instanceof Promise) return found.then((record) => record ?? impliedBucket(id));
  return found ?? impliedBucket(id);
}

/** The bucket of this name; `pathNotFound` when there is none, as there is of no name that breaks the rules for buckets. */
export async function requireBucket(reader: KvReader, name: string): Promise<FoundBucket> {
  const entry = isBucketName(name) ? await readTopDirectory(reader, name) : undefined;
  if (entry === undefined) throw new CairnError("pathNotFound", `there is no bucket ${name}`);
  return { name, entry, record: await readBucket(reader, entry.inodeId) };
}

/** The directory of this name at the root, if it is there. */
export async function readTopDirectory(
  reader: KvReader,
  name: string,
): Promise<DirectoryEntry | undefined> {
  const entry = await entries.getShared(reader, [ROOT_ID, sortNameOf(name, "directory")]);
  return entry?.kind === "directory" ? entry : undefined;
}

/** Deletes what is kept of a bucket whose directory goes for good. */
export async function forgetBucket(tx: KvTransaction, id: InodeId): Promise<void> {
  if (!(await buckets.has(tx, id))) return;
  buckets.delete(tx, id);
  bucketLifecycles.delete(tx, id);
  bucketDocuments.deleteRange(tx, { within: [id] });
}
