import { CairnError } from "@cairnfs/base/errors";
import { type BucketRecord, VERSIONING } from "../buckets/bucket-record.ts";
import { readBucket } from "../buckets/read-bucket.ts";
import { logChange } from "../change-log.ts";
import { entries, versions } from "../keyspace.ts";
import type { FileEntry } from "../namespace/entry.ts";
import { type Mutation, nextVersion } from "../namespace/mutation.ts";
import { keyOf, type Path } from "../namespace/path.ts";
import { findObject, type ObjectPlace } from "./find-object.ts";
import { decodeObjectAttributes } from "./object-attributes.ts";
import { checkLockChange } from "./object-lock.ts";
import { isIt, readKept, versionNotFound } from "./read-version.ts";
import type { VersionChoice } from "./version-id.ts";

export interface SetObject {
  readonly path: Path;
  readonly choice: VersionChoice | undefined;
  /** The entry must have it; 0: whatever it has. */
  readonly entryVersion: number;
  /** Instead of what is there, whole, encoded. */
  readonly object: Uint8Array;
  readonly bypassesGovernance: boolean;
}

export interface ChangedObject {
  readonly entry: FileEntry;
  /** Its bucket has or had versioning. */
  readonly isVersioned: boolean;
}

/**
 * Changes what is said of an object or of a version of it; a delete marker is none. `objectLocked` for a retention that would become shorter.
 */
export async function setObject(mutation: Mutation, request: SetObject): Promise<ChangedObject> {
  const { tx } = mutation;
  const { path, choice } = request;
  const place = await findObject(tx, path);
  const { file, parentId, name } = place;
  const bucket = await readBucket(tx, place.bucket.inodeId);
  const isVersioned = bucket.versioning !== VERSIONING.never;
  if (file === undefined || parentId === undefined || (choice !== undefined && !isIt(file, choice)))
    return { entry: await setKept(mutation, place, bucket, request), isVersioned };
  const entry = changed(mutation, file, bucket, request);
  entries.put(tx, [parentId, name], entry);
  logChange(mutation, { kind: "setAttributes", path: path.text, inodeId: file.inodeId });
  return { entry, isVersioned };
}

/** The same of a version that is not in the tree: nobody who watches the tree sees a change. */
async function setKept(
  mutation: Mutation,
  place: ObjectPlace,
  bucket: BucketRecord,
  request: SetObject,
): Promise<FileEntry> {
  const { tx } = mutation;
  const { path, choice } = request;
  const [bucketId, key] = [place.bucket.inodeId, keyOf(path)];
  const kept = choice && (await readKept(tx, { bucketId, key, choice }));
  if (kept === undefined || kept.record.kind === "marker") throw versionNotFound(path, choice);
  const { sequence, record } = kept;
  const entry = changed(mutation, record.entry, bucket, request);
  versions.put(tx, [bucketId, key, sequence], { ...record, entry });
  return entry;
}

/** The entry as it is after the change, which must be allowed. */
function changed(
  mutation: Mutation,
  file: FileEntry,
  bucket: BucketRecord,
  { path, entryVersion, object, bypassesGovernance }: SetObject,
): FileEntry {
  if (entryVersion !== 0 && entryVersion !== file.version) {
    throw new CairnError(
      "preconditionFailed",
      `${path.text} has version ${file.version}, expected ${entryVersion}`,
    );
  }
  const terms = { path: path.text, nowMs: mutation.nowMs, bypassesGovernance };
  checkLockChange(bucket, file.object, decodeObjectAttributes(object), terms);
  return { ...file, version: nextVersion(mutation.nextId(), file.version), object };
}
