import { VERSIONING } from "../buckets/bucket-record.ts";
import { dropFile, uncountFile } from "../namespace/drop-file.ts";
import type { FileEntry } from "../namespace/entry.ts";
import type { InodeId } from "../namespace/ids.ts";
import { type Mutation, nextVersion } from "../namespace/mutation.ts";
import type { Path } from "../namespace/path.ts";
import { isNullVersion, versionIdOf } from "./version-id.ts";
import {
  addMarker,
  dropNull,
  keepFile,
  passMarker,
  type VersionedKey,
  versionedKeyOf,
} from "./version-rows.ts";

/** What of an entry says which version it is. */
export type VersionOfFile = Pick<FileEntry, "sequence" | "isNull">;

const NO_VERSION: VersionOfFile = { sequence: 0, isNull: false };

/** Where a file is put. */
export interface FilePlace {
  readonly path: Pick<Path, "names">;
  readonly topId: InodeId | undefined;
}

/**
 * What becomes of the file that a new one replaces, whose entry is the caller's to write: it is kept as a version or let go, as its bucket has
 * it. Gives which version the new one is; `id` is a fresh one.
 */
export async function replaceFile(
  mutation: Mutation,
  { topId, path }: FilePlace,
  replaced: FileEntry | undefined,
  id: number,
): Promise<VersionOfFile> {
  const at = await versionedKeyOf(mutation.tx, topId, path);
  if (at === undefined) {
    if (replaced !== undefined) await dropFile(mutation, replaced);
    return NO_VERSION;
  }
  const newest = await retire(mutation, at, replaced);
  return { sequence: nextVersion(id, newest), isNull: isSuspended(at) };
}

/** The same of a file that another version is to follow, whatever that is; gives the newest sequence that is kept then. */
async function retire(
  mutation: Mutation,
  at: VersionedKey,
  file: FileEntry | undefined,
): Promise<number> {
  // What is put while versioning is suspended takes the place of the version "null", wherever that is.
  if (isSuspended(at)) await dropNull(mutation, at);
  if (file === undefined) return passMarker(mutation, at);
  if (isSuspended(at) && isNullVersion(file)) {
    await dropFile(mutation, file);
    return passMarker(mutation, at);
  }
  uncountFile(mutation, file);
  return keepFile(mutation, at, file);
}

/**
 * Says that an object is removed: a delete marker becomes the newest version, and what was the newest is kept or, being "null" while versioning is
 * suspended, let go. The caller has deleted its entry. Gives the id of the marker.
 */
export async function markRemoved(
  mutation: Mutation,
  at: VersionedKey,
  file: FileEntry | undefined,
  owner: string,
): Promise<string> {
  const newest = await retire(mutation, at, file);
  return mark(mutation, at, newest, owner);
}

/** The same of a file whose content goes on under another key, and whose counting with it. */
export async function markMoved(
  mutation: Mutation,
  at: VersionedKey,
  file: FileEntry | undefined,
): Promise<void> {
  if (isSuspended(at)) await dropNull(mutation, at);
  const newest =
    file === undefined ? await passMarker(mutation, at) : await keepFile(mutation, at, file);
  mark(mutation, at, newest, "");
}

function mark(mutation: Mutation, at: VersionedKey, newest: number, owner: string): string {
  const sequence = nextVersion(mutation.nextId(), newest);
  const marker = { sequence, isNull: isSuspended(at), owner };
  addMarker(mutation, at, marker);
  return versionIdOf(marker);
}

export function isSuspended({ bucket }: VersionedKey): boolean {
  return bucket.versioning === VERSIONING.suspended;
}
