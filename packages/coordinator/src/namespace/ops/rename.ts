import { CairnError } from "@cairnfs/base/errors";
import { logChange } from "../../change-log.ts";
import { entries } from "../../keyspace.ts";
import { pruneImplied } from "../../objects/prune.ts";
import { type EntryRecord, type FileEntry, sortNameOf } from "../entry.ts";
import { type Mutation, nextVersion } from "../mutation.ts";
import type { Path } from "../path.ts";
import { checkPrecondition, NO_PRECONDITION, type Precondition } from "../precondition.ts";
import { type Found, type Located, requireEntry, walk } from "../resolve.ts";
import { dropFile, requireName, type Slot, slotBelow } from "../slot.ts";

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
  const entry: EntryRecord = { ...moved.entry, version };
  entries.delete(tx, [moved.parentId, sortNameOf(moved.name, entry.kind)]);
  entries.put(tx, [slot.parentId, sortNameOf(slot.name, entry.kind)], entry);
  if (replaced !== undefined) await dropFile(mutation, replaced);
  logChange(mutation, {
    kind: "rename",
    path: source.text,
    target: target.text,
    inodeId: entry.inodeId,
  });
  await pruneImplied(mutation, moved.directories, source.names);
  return { parentId: slot.parentId, name: slot.name, entry };
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
