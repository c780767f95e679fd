import { CairnError } from "@cairnfs/base/errors";
import { entries } from "../../keyspace.ts";
import type { AttributeChanges } from "../attributes.ts";
import { type DirectoryEntry, type PolicyRecord, sortNameOf } from "../entry.ts";
import type { Mutation } from "../mutation.ts";
import type { Path } from "../path.ts";
import { readRoot } from "../resolve.ts";
import { addDirectory, openSlot, type Slot } from "../slot.ts";

export interface MakeDirectory {
  readonly path: Path;
  /** Make missing parents too, and be content with a directory that is there. */
  readonly parents: boolean;
  readonly attributes: AttributeChanges;
  readonly policy: PolicyRecord;
}

/** Makes a directory where nothing is; what is there is `pathExists`, unless it is a directory and `parents` is set. */
export async function makeDirectory(
  mutation: Mutation,
  request: MakeDirectory,
): Promise<DirectoryEntry> {
  const { path, parents } = request;
  if (path.names.length === 0) {
    if (parents) return readRoot(mutation.tx);
    throw new CairnError("pathExists", "the root exists");
  }
  const slot = await openSlot(mutation, path, parents);
  const { file, directory } = slot.present;
  if (directory !== undefined && parents) return keepDirectory(mutation, slot, directory);
  if (file !== undefined || directory !== undefined) {
    const form = directory === undefined ? "file" : "directory";
    throw new CairnError("pathExists", `${path.text} exists and is a ${form}`);
  }
  return addDirectory(
    mutation,
    { parentId: slot.parentId, name: slot.name, path: path.text },
    request.attributes,
    request.policy,
  );
}

/** A directory that somebody asks for stays, though an object's key made it. */
function keepDirectory(
  { tx }: Mutation,
  { parentId, name }: Slot,
  directory: DirectoryEntry,
): DirectoryEntry {
  if (!directory.isImplied) return directory;
  const kept: DirectoryEntry = { ...directory, isImplied: false };
  entries.put(tx, [parentId, sortNameOf(name, "directory")], kept);
  return kept;
}
