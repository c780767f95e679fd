import { CairnError } from "@cairnfs/base/errors";
import { type BucketRecord, VERSIONING } from "../../buckets/bucket-record.ts";
import { readBucket } from "../../buckets/read-bucket.ts";
import { logChange } from "../../change-log.ts";
import { entries } from "../../keyspace.ts";
import { refuseLockedTree } from "../../objects/object-lock.ts";
import { pruneImplied } from "../../objects/prune.ts";
import { isSuspended, markMoved, replaceFile } from "../../objects/replace-file.ts";
import { isNullVersion } from "../../objects/version-id.ts";
import { versionedKeyOf } from "../../objects/version-rows.ts";
import { addOwner } from "../content-owners.ts";
import { type DirectoryEntry, type EntryRecord, type FileEntry, sortNameOf } from "../entry.ts";
import { type Mutation, nextVersion } from "../mutation.ts";
import type { Path } from "../path.ts";
import { checkPrecondition, NO_PRECONDITION, type Precondition } from "../precondition.ts";
import { type Found, type Located, requireEntry, walk } from "../resolve.ts";
import { objectIn, requireName, type Slot, slotBelow } from "../slot.ts";

export interface Rename {
  readonly source: Path;
  readonly target: Path;
  readonly noReplace: boolean;
  /** Make missing parents of the target. */
  readonly parents: boolean;
}

/**
 * Moves a file or a directory of any size, atomically. A file replaces a file unless `noReplace`; nothing replaces a
 * directory, which is where we differ from POSIX. The same source and target change nothing.
 */
export async function rename(mutation: Mutation, request: Rename): Promise<Located> {
  const { source, target } = request;
  requireName(source);
  requireName(target);
  const moved = await requireEntry(mutation.tx, source);
  if (source.text === target.text) return moved;
  return move(mutation, moved, { ...request, precondition: NO_PRECONDITION });
}

export interface Move extends Rename {
  /** Of what is at the target. */
  readonly precondition: Precondition;
}

/** Moves what was found at `source`, which is another path than `target`. */
export async function move(mutation: Mutation, moved: Found, request: Move): Promise<Located> {
  const { tx } = mutation;
  const { source, target } = request;
  // The walk reads each new ancestor: a concurrent rename of any of them makes this run again, so that no two renames
  // can each put its directory below the other's.
  const walked = await walk(tx, target.names.slice(0, -1), target.isKey);
  if (walked.directories.some((ancestor) => ancestor.inodeId === moved.entry.inodeId)) {
    throw new CairnError("renameIntoSelf", `${target.text} is below ${source.text}`);
  }
  const slot = await slotBelow(mutation, target, walked, request.parents);
  const replaced = checkTarget(slot, moved.entry, request);

  const id = mutation.nextId();
  const version = nextVersion(id, Math.max(moved.entry.version, replaced?.version ?? 0));
  entries.delete(tx, [moved.parentId, sortNameOf(moved.name, moved.entry.kind)]);
  const entry =
    moved.entry.kind === "file"
      ? await moveFile(mutation, { ...moved, entry: moved.entry }, { source, slot, replaced, id })
      : await moveTree(mutation, { ...moved, entry: moved.entry }, request);
  entries.put(tx, [slot.parentId, sortNameOf(slot.name, entry.kind)], { ...entry, version });
  logChange(mutation, {
    kind: "rename",
    path: source.text,
    target: target.text,
    inodeId: entry.inodeId,
  });
  await pruneImplied(mutation, moved.directories, source.names);
  return { parentId: slot.parentId, name: slot.name, entry: { ...entry, version } };
}

/** In a bucket with versioning the file stays, as the version that it was, where it is moved away from. */
async function moveFile(
  mutation: Mutation,
  { entry, directories }: Found<FileEntry>,
  to: {
    readonly source: Path;
    readonly slot: Slot;
    readonly replaced: FileEntry | undefined;
    readonly id: number;
  },
): Promise<FileEntry> {
  const { tx } = mutation;
  const { source, slot, replaced, id } = to;
  const from = await versionedKeyOf(tx, directories[0]?.inodeId, source);
  if (from !== undefined) {
    const isLeft = !(isSuspended(from) && isNullVersion(entry));
    if (isLeft) await addOwner(tx, entry.contentId);
    await markMoved(mutation, from, isLeft ? entry : undefined);
  }
  const object = await objectIn(mutation, slot, entry.object);
  return { ...entry, ...(await replaceFile(mutation, slot, replaced, id)), object };
}

/** A directory takes along what is in it; earlier versions stay with the keys that they have. */
async function moveTree(
  { tx }: Mutation,
  { entry, directories }: Found<DirectoryEntry>,
  { source, target }: Move,
): Promise<DirectoryEntry> {
  const within = [entry.inodeId] as const;
  const bucket = await readBucket(tx, directories[0]?.inodeId ?? entry.inodeId);
  const isEmpty = (await entries.first(tx, { within })) === undefined;
  const isBucket = directories.length === 0;
  if (!isEmpty || isBucket) refuseLockedTree(bucket, source.text);
  if (isBucket) refuseNesting(bucket, source.text, target);
  // One that somebody gives a name stays, though an object's key made it.
  return { ...entry, isImplied: entry.isImplied && target.isKey };
}

/** Throws `conflictingState` when a bucket with versions is to be a directory in another. */
export function refuseNesting(bucket: BucketRecord, path: string, target: Path): void {
  if (target.names.length === 1 || bucket.versioning === VERSIONING.never) return;
  throw new CairnError(
    "conflictingState",
    `${path} is a bucket with versions, and cannot be at ${target.text}, in another`,
  );
}

/** What a move replaces; throws when it may not. Of keys a file and a directory of one name are two things. */
function checkTarget(
  { present: { file, directory } }: Slot,
  moved: EntryRecord,
  { target, noReplace, precondition }: Move,
): FileEntry | undefined {
  const there = target.isKey && moved.kind === "directory" ? undefined : file;
  const blocking = target.isKey && moved.kind === "file" ? undefined : directory;
  checkPrecondition(precondition, there ?? blocking, target.text);
  const mayReplace = moved.kind === "file" && !noReplace;
  if (blocking !== undefined || (there !== undefined && !mayReplace)) {
    throw new CairnError("pathExists", `${target.text} exists`);
  }
  return there;
}
