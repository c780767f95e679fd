import { CairnError } from "@cairnfs/base/errors";
import { logChange } from "../../change-log.ts";
import { entries } from "../../keyspace.ts";
import { pruneImplied } from "../../objects/prune.ts";
import { type EntryRecord, sortNameOf } from "../entry.ts";
import { type Mutation, nextVersion } from "../mutation.ts";
import type { Path } from "../path.ts";
import { type Located, requireEntry, walk } from "../resolve.ts";
import { dropFile, requireName, slotBelow } from "../slot.ts";

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
  const { tx } = mutation;
  const { source, target } = request;
  requireName(source);
  requireName(target);
  const moved = await requireEntry(tx, source);
  if (source.text === target.text) return moved;

  // The walk reads each new ancestor: a concurrent rename of any of them makes this run again, so that no two renames
  // can each put its directory below the other's.
  const walked = await walk(tx, target.names.slice(0, -1));
  if (walked.directories.some((ancestor) => ancestor.inodeId === moved.entry.inodeId)) {
    throw new CairnError("renameIntoSelf", `${target.text} is below ${source.text}`);
  }
  const slot = await slotBelow(mutation, target, walked, request.parents);
  const { file, directory } = slot.present;
  if (directory !== undefined || (file !== undefined && !mayReplace(moved.entry, request))) {
    throw new CairnError("pathExists", `${target.text} exists`);
  }

  const id = mutation.nextId();
  const version = nextVersion(id, Math.max(moved.entry.version, file?.version ?? 0));
  const entry: EntryRecord = { ...moved.entry, version };
  entries.delete(tx, [moved.parentId, sortNameOf(moved.name, entry.kind)]);
  entries.put(tx, [slot.parentId, sortNameOf(slot.name, entry.kind)], entry);
  if (file !== undefined) await dropFile(mutation, file);
  logChange(mutation, {
    kind: "rename",
    path: source.text,
    target: target.text,
    inodeId: entry.inodeId,
  });
  await pruneImplied(mutation, moved.directories, source.names);
  return { parentId: slot.parentId, name: slot.name, entry };
}

function mayReplace(moved: EntryRecord, request: Rename): boolean {
  return moved.kind === "file" && !request.noReplace;
}
