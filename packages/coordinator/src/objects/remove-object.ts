import { readBucket } from "../buckets/read-bucket.ts";
import { logChange } from "../change-log.ts";
import { count } from "../counters.ts";
import { entries } from "../keyspace.ts";
import { dropFile } from "../namespace/drop-file.ts";
import type { FileEntry } from "../namespace/entry.ts";
import { type Mutation, nextVersion } from "../namespace/mutation.ts";
import { removeFound } from "../namespace/ops/remove.ts";
import { keyOf, type Path } from "../namespace/path.ts";
import { checkPrecondition, type Precondition } from "../namespace/precondition.ts";
import { openSlot } from "../namespace/slot.ts";
import { findObject, type ObjectPlace } from "./find-object.ts";
import { checkRemovable } from "./object-lock.ts";
import { pruneImplied } from "./prune.ts";
import { isIt, newestKept, readKept } from "./read-version.ts";
import { markRemoved } from "./replace-file.ts";
import { type VersionChoice, versionIdOf } from "./version-id.ts";
import type { FileVersion } from "./version-record.ts";
import {
  dropKept,
  takeKept,
  unpassMarker,
  type VersionedKey,
  versionedKeyOf,
} from "./version-rows.ts";

export interface RemoveObject {
  readonly path: Path;
  /** That version goes for good; `undefined`: what S3 calls a delete. */
  readonly choice: VersionChoice | undefined;
  readonly precondition: Precondition;
  /** Versions under governance retention may go too. */
  readonly bypassesGovernance: boolean;
  /** Of a delete marker that is made. */
  readonly owner: string;
}

export interface RemovedObject {
  /** Of the delete marker that was made, or of the version that went; empty when neither. */
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
  readonly existed: boolean;
}

const NOTHING: RemovedObject = { versionId: "", isDeleteMarker: false, existed: false };

/**
 * Removes an object or a version of it. What is not there is no error; a bucket that is not there is `pathNotFound`. What is refused is refused
 * before anything is changed.
 */
export async function removeObject(
  mutation: Mutation,
  request: RemoveObject,
): Promise<RemovedObject> {
  const place = await findObject(mutation.tx, request.path);
  const { choice } = request;
  if (choice === undefined) return removeNewest(mutation, place, request);
  if (place.file !== undefined && isIt(place.file, choice)) {
    return removeCurrent(mutation, place, place.file, request);
  }
  return removeKept(mutation, place, request, choice);
}

async function removeNewest(
  mutation: Mutation,
  place: ObjectPlace,
  request: RemoveObject,
): Promise<RemovedObject> {
  const { tx } = mutation;
  const { path, owner } = request;
  const { file, bucket, parentId, name, directories } = place;
  checkPrecondition(request.precondition, file, path.text);
  const at = await versionedKeyOf(tx, bucket.inodeId, path);
  if (at === undefined) {
    if (file === undefined || parentId === undefined) return NOTHING;
    const found = { parentId, name, directories, entry: file };
    const { precondition } = request;
    await removeFound(mutation, found, { path, recursive: false, precondition, forever: false });
    return { ...NOTHING, existed: true };
  }
  if (file !== undefined) removeEntry(mutation, place, request);
  const versionId = await markRemoved(mutation, at, file, owner);
  if (file !== undefined) await pruneImplied(mutation, directories, path.names);
  return { versionId, isDeleteMarker: true, existed: file !== undefined };
}

/** The version that is in the tree goes for good; the newest of the others takes its place, unless that is a delete marker. */
async function removeCurrent(
  mutation: Mutation,
  place: ObjectPlace,
  file: FileEntry,
  request: RemoveObject,
): Promise<RemovedObject> {
  const { path, precondition } = request;
  const bucketId = place.bucket.inodeId;
  checkPrecondition(precondition, file, path.text);
  await checkLocked(mutation, place, file, request);
  removeEntry(mutation, place, request);
  await dropFile(mutation, file);
  const isPromoted = await promote(mutation, path, { bucketId, key: keyOf(path) });
  if (!isPromoted) await pruneImplied(mutation, place.directories, path.names);
  const at = await versionedKeyOf(mutation.tx, bucketId, path);
  const versionId = at === undefined ? "" : versionIdOf(file);
  return { versionId, isDeleteMarker: false, existed: true };
}

/** A version that is not in the tree goes for good. With the delete marker that was the newest the object comes back. */
async function removeKept(
  mutation: Mutation,
  place: ObjectPlace,
  request: RemoveObject,
  choice: VersionChoice,
): Promise<RemovedObject> {
  const { path, precondition } = request;
  const bucketId = place.bucket.inodeId;
  const key = keyOf(path);
  const kept = await readKept(mutation.tx, { bucketId, key, choice });
  const entry = kept?.record.kind === "file" ? kept.record.entry : undefined;
  checkPrecondition(precondition, entry, path.text);
  if (kept === undefined) return NOTHING;
  if (entry !== undefined) await checkLocked(mutation, place, entry, request);
  const isDeleteMarker = entry === undefined;
  const versionId =
    choice.kind === "null" ? "null" : versionIdOf({ sequence: kept.sequence, isNull: false });
  const newest = await newestKept(mutation.tx, bucketId, key);
  await dropKept(mutation, { bucketId, key }, kept);
  const wasNewest = place.file === undefined && newest?.sequence === kept.sequence;
  if (wasNewest && isDeleteMarker) {
    await promote(mutation, path, { bucketId, key });
  }
  return { versionId, isDeleteMarker, existed: true };
}

async function checkLocked(
  { tx, nowMs }: Mutation,
  { bucket }: ObjectPlace,
  file: FileEntry,
  { path, bypassesGovernance }: RemoveObject,
): Promise<void> {
  const record = await readBucket(tx, bucket.inodeId);
  checkRemovable(record, file, { path: path.text, nowMs, bypassesGovernance });
}

function removeEntry(
  mutation: Mutation,
  { parentId, name, file }: ObjectPlace,
  { path }: RemoveObject,
): void {
  if (parentId === undefined || file === undefined) return;
  entries.delete(mutation.tx, [parentId, name]);
  logChange(mutation, { kind: "remove", path: path.text, inodeId: file.inodeId });
}

/** Has the newest version that is kept be what is there: a file comes back into the tree. Says whether it did. */
async function promote(
  mutation: Mutation,
  path: Path,
  at: Pick<VersionedKey, "bucketId" | "key">,
): Promise<boolean> {
  const kept = await newestKept(mutation.tx, at.bucketId, at.key);
  if (kept === undefined) return false;
  const { sequence, record } = kept;
  if (record.kind === "marker") {
    unpassMarker(mutation, at, sequence, record);
    return false;
  }
  await putBack(mutation, path, at, { sequence, record });
  return true;
}

async function putBack(
  mutation: Mutation,
  path: Path,
  at: Pick<VersionedKey, "bucketId" | "key">,
  kept: { readonly sequence: number; readonly record: FileVersion },
): Promise<void> {
  const { tx } = mutation;
  const slot = await openSlot(mutation, path, false);
  takeKept(mutation, at, kept);
  const { entry } = kept.record;
  const version = nextVersion(mutation.nextId(), entry.version);
  entries.put(tx, [slot.parentId, slot.name], { ...entry, version });
  count(tx, "files", 1);
  count(tx, "logicalBytes", entry.sizeBytes);
  logChange(mutation, { kind: "put", path: path.text, inodeId: entry.inodeId });
}
