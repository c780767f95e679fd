import { CairnError } from "@cairnfs/base/errors";
import type { KvReader } from "@cairnfs/kv/kv-store";
import { VERSIONING } from "../buckets/bucket-record.ts";
import { readBucket } from "../buckets/read-bucket.ts";
import { nullVersions, versions } from "../keyspace.ts";
import type { FileEntry } from "../namespace/entry.ts";
import type { InodeId } from "../namespace/ids.ts";
import { keyOf, type Path } from "../namespace/path.ts";
import { findObject, type ObjectPlace } from "./find-object.ts";
import { isNullVersion, type VersionChoice, versionIdOf } from "./version-id.ts";
import type { VersionRecord } from "./version-record.ts";

/** A version as its readers see it. */
export interface FoundVersion {
  readonly name: string;
  /** What the bucket has to do with versions. */
  readonly isVersioned: boolean;
  readonly isLatest: boolean;
  /** Empty in a bucket that never had versioning. */
  readonly versionId: string;
  readonly modifiedMs: number;
  /** `undefined` for a delete marker. */
  readonly entry: FileEntry | undefined;
}

/** A version that is not in the tree, and where it is kept. */
export interface KeptVersion {
  readonly sequence: number;
  readonly record: VersionRecord;
}

/** The version of an object that is asked for, or the newest: `pathNotFound` and `versionNotFound` when there is none. */
export async function requireVersion(
  reader: KvReader,
  path: Path,
  choice: VersionChoice | undefined,
): Promise<FoundVersion> {
  const place = await findObject(reader, path);
  const { versioning } = await readBucket(reader, place.bucket.inodeId);
  const isVersioned = versioning !== VERSIONING.never;
  const found = await findVersion(reader, path, place, choice);
  if (found === undefined) throw versionNotFound(path, choice);
  return { ...found, isVersioned, versionId: isVersioned ? found.versionId : "" };
}

/**
 * The file that a copy is made of, which must have the inode that the caller has looked at, as `preconditionFailed` says; 0: whatever it has.
 * A delete marker is none.
 */
export async function requireSource(
  reader: KvReader,
  path: Path,
  choice: VersionChoice | undefined,
  inodeId: number,
): Promise<FileEntry> {
  const { entry } = await requireVersion(reader, path, choice);
  if (entry === undefined) throw versionNotFound(path, choice);
  if (inodeId === 0 || inodeId === entry.inodeId) return entry;
  throw new CairnError(
    "preconditionFailed",
    `${path.text} is inode ${entry.inodeId}, expected ${inodeId}`,
  );
}

async function findVersion(
  reader: KvReader,
  path: Path,
  place: ObjectPlace,
  choice: VersionChoice | undefined,
): Promise<Omit<FoundVersion, "isVersioned"> | undefined> {
  const { name, file } = place;
  if (file !== undefined && (choice === undefined || isIt(file, choice))) {
    const { modifiedMs } = file;
    return { name, isLatest: true, versionId: versionIdOf(file), modifiedMs, entry: file };
  }
  const bucketId = place.bucket.inodeId;
  const key = keyOf(path);
  const newest = file === undefined ? await newestKept(reader, bucketId, key) : undefined;
  const kept = choice === undefined ? newest : await readKept(reader, { bucketId, key, choice });
  // What lost its place in the tree with the directory it was in is not what is there.
  if (kept === undefined || (choice === undefined && kept.record.kind === "file")) return undefined;
  const { sequence, record } = kept;
  const isLatest = record.kind === "marker" && newest?.sequence === sequence;
  if (record.kind === "file") {
    const { entry } = record;
    return { name, isLatest, versionId: versionIdOf(entry), modifiedMs: entry.modifiedMs, entry };
  }
  const versionId = versionIdOf({ sequence, isNull: record.isNull });
  return { name, isLatest, versionId, modifiedMs: record.modifiedMs, entry: undefined };
}

/** Whether the file of the tree is the version that is meant. */
export function isIt(file: FileEntry, choice: VersionChoice): boolean {
  const isNull = isNullVersion(file);
  return choice.kind === "null" ? isNull : !isNull && file.sequence === choice.sequence;
}

/** The newest version of a key that is not in the tree. */
export async function newestKept(
  reader: KvReader,
  bucketId: InodeId,
  key: string,
): Promise<KeptVersion | undefined> {
  const row = await versions.first(reader, { within: [bucketId, key] });
  return row && { sequence: row.key[2], record: row.value };
}

/** The version that is meant, among those that are not in the tree. */
export async function readKept(
  reader: KvReader,
  wanted: {
    readonly bucketId: InodeId;
    readonly key: string;
    readonly choice: VersionChoice;
  },
): Promise<KeptVersion | undefined> {
  const { bucketId, key, choice } = wanted;
  const sequence =
    choice.kind === "sequence" ? choice.sequence : await nullVersions.get(reader, [bucketId, key]);
  if (sequence === undefined) return undefined;
  const record = await versions.get(reader, [bucketId, key, sequence]);
  if (record === undefined || isNullRecord(record) !== (choice.kind === "null")) return undefined;
  return { sequence, record };
}

export function isNullRecord(record: VersionRecord): boolean {
  return record.kind === "marker" ? record.isNull : record.entry.isNull;
}

export function versionNotFound(path: Path, choice: VersionChoice | undefined): CairnError {
  if (choice === undefined) return new CairnError("pathNotFound", `no object is at ${path.text}`);
  const id = choice.kind === "null" ? "null" : versionIdOf({ ...choice, isNull: false });
  return new CairnError("versionNotFound", `the object at ${path.text} has no version ${id}`);
}
