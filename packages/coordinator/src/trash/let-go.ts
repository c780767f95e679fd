import { forgetBucket } from "../buckets/read-bucket.ts";
import { count } from "../counters.ts";
import { TOMB_KIND, tombstones, versions } from "../keyspace.ts";
import { multipartKeys } from "../multipart/multipart-tables.ts";
import { type Dropping, dropFile } from "../namespace/drop-file.ts";
import type { EntryRecord } from "../namespace/entry.ts";

/**
 * Lets go of an entry that has no row any more, for good: a file's content loses an owner, and of a directory a tombstone stays,
 * from which the tombstone worker takes the rest apart.
 */
export async function letGo(
  mutation: Dropping,
  entry: EntryRecord,
  hasChildren: boolean,
): Promise<void> {
  if (entry.kind === "file") {
    await dropFile(mutation, entry);
    return;
  }
  const { tx, nowMs } = mutation;
  count(tx, "directories", -1);
  // What is kept of a bucket goes with the last of what is in it, of what was and of what was to be.
  const within = [entry.inodeId] as const;
  const hasUploads = await multipartKeys.first(tx, { within });
  const hasVersions = await versions.first(tx, { within });
  if (hasChildren || hasUploads || hasVersions)
    tombstones.put(tx, [nowMs, TOMB_KIND.directory, entry.inodeId], true);
  else await forgetBucket(tx, entry.inodeId);
}
