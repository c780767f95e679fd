import type { KvReader } from "@cairnfs/kv/kv-store";
import { type BucketRecord, VERSIONING } from "../buckets/bucket-record.ts";
import { readBucket } from "../buckets/read-bucket.ts";
import { count } from "../counters.ts";
import { nullVersions, versions } from "../keyspace.ts";
import { dropOwner } from "../namespace/content-owners.ts";
import type { Dropping } from "../namespace/drop-file.ts";
import type { FileEntry } from "../namespace/entry.ts";
import type { InodeId } from "../namespace/ids.ts";
import { keyOf, type Path } from "../namespace/path.ts";
import { isNullRecord, type KeptVersion, newestKept, readKept } from "./read-version.ts";
import { isNullVersion } from "./version-id.ts";
import type { DeleteMarker, VersionRecord } from "./version-record.ts";

/** A key of a bucket that has or had versioning. */
export interface VersionedKey {
  readonly bucketId: InodeId;
  readonly bucket: BucketRecord;
  readonly key: string;
}

/** What makes the file at a path one of several versions; `undefined` when its bucket never had any, or it is in none. */
export async function versionedKeyOf(
  reader: KvReader,
  bucketId: InodeId | undefined,
  path: Pick<Path, "names">,
): Promise<VersionedKey | undefined> {
  if (bucketId === undefined) return undefined;
  const found = readBucket(reader, bucketId);
  const bucket = found instanceof Promise ? await found : found;
  if (bucket.versioning === VERSIONING.never) return undefined;
  return { bucketId, bucket, key: keyOf(path) };
}

/**
 * Keeps a file that is not the newest version of its key any more, with the owner of its content that it was; gives the sequence that it has
 * there, which is above those of all others that are kept.
 */
export async function keepFile(
  mutation: Dropping,
  at: VersionedKey,
  file: FileEntry,
): Promise<number> {
  const { tx, nowMs } = mutation;
  // There can be one already if the file came here with its directory: that one stays "null", as nobody let it go.
  const isNull = isNullVersion(file) && !(await nullVersions.has(tx, [at.bucketId, at.key]));
  const newest = await passMarker(mutation, at);
  const own = file.sequence === 0 ? file.inodeId : file.sequence;
  const sequence = Math.max(own, newest + 1);
  const entry: FileEntry = { ...file, sequence, isNull };
  putRow(mutation, at, sequence, { kind: "file", entry, noncurrentMs: nowMs });
  if (isNull) nullVersions.put(tx, [at.bucketId, at.key], sequence);
  count(tx, "versions", 1);
  count(tx, "versionBytes", file.sizeBytes);
  return sequence;
}

/** Says of a delete marker that was the newest since when it is not; gives the newest sequence that is kept, 0 for none. */
export async function passMarker({ tx, nowMs }: Dropping, at: VersionedKey): Promise<number> {
  const newest = await newestKept(tx, at.bucketId, at.key);
  if (newest?.record.kind === "marker" && newest.record.noncurrentMs === 0) {
    const key = [at.bucketId, at.key, newest.sequence] as const;
    versions.put(tx, key, { ...newest.record, noncurrentMs: nowMs });
  }
  return newest?.sequence ?? 0;
}

/** A delete marker is the newest again. */
export function unpassMarker(
  { tx }: Pick<Dropping, "tx">,
  { bucketId, key }: Pick<VersionedKey, "bucketId" | "key">,
  sequence: number,
  record: DeleteMarker,
): void {
  if (record.noncurrentMs === 0) return;
  versions.put(tx, [bucketId, key, sequence], { ...record, noncurrentMs: 0 });
}

/** Adds a delete marker as the newest of its key. */
export function addMarker(
  mutation: Dropping,
  at: VersionedKey,
  marker: Pick<DeleteMarker, "isNull" | "owner"> & { readonly sequence: number },
): void {
  const { tx, nowMs } = mutation;
  const { sequence, isNull, owner } = marker;
  const record = { kind: "marker", modifiedMs: nowMs, isNull, owner, noncurrentMs: 0 } as const;
  putRow(mutation, at, sequence, record);
  if (isNull) nullVersions.put(tx, [at.bucketId, at.key], sequence);
  count(tx, "deleteMarkers", 1);
}

/** Lets go of the version "null", where that is not in the tree. */
export async function dropNull(mutation: Dropping, at: VersionedKey): Promise<void> {
  const kept = await readKept(mutation.tx, { ...at, choice: { kind: "null" } });
  if (kept !== undefined) await dropKept(mutation, at, kept);
}

/** Lets go of a version that is not in the tree, and of its content. */
export async function dropKept(
  mutation: Dropping,
  at: Pick<VersionedKey, "bucketId" | "key">,
  kept: KeptVersion,
): Promise<void> {
  const { tx, nowMs, settings } = mutation;
  takeKept(mutation, at, kept);
  if (kept.record.kind === "marker") return;
  await dropOwner(tx, kept.record.entry.contentId, nowMs + settings.contentGraceMs);
}

/** Takes away the row of a version; the owner of its content becomes the caller's. */
export function takeKept(
  { tx }: Pick<Dropping, "tx">,
  { bucketId, key }: Pick<VersionedKey, "bucketId" | "key">,
  { sequence, record }: KeptVersion,
): void {
  versions.delete(tx, [bucketId, key, sequence]);
  if (isNullRecord(record)) nullVersions.delete(tx, [bucketId, key]);
  if (record.kind === "marker") {
    count(tx, "deleteMarkers", -1);
    return;
  }
  count(tx, "versions", -1);
  count(tx, "versionBytes", -record.entry.sizeBytes);
}

function putRow(
  { tx }: Dropping,
  { bucketId, key }: VersionedKey,
  sequence: number,
  record: VersionRecord,
): void {
  versions.put(tx, [bucketId, key, sequence], record);
}
