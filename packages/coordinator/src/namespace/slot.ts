import { CairnError } from "@cairnfs/base/errors";
import { logChange } from "../change-log.ts";
import { count } from "../counters.ts";
import { entries } from "../keyspace.ts";
import { type AttributeChanges, NO_CHANGES } from "./attributes.ts";
import { dropOwner } from "./content-owners.ts";
import {
  DIRECTORY_MODE_DEFAULT,
  type DirectoryEntry,
  FILE_MODE_DEFAULT,
  type FileEntry,
  NO_METADATA,
  NO_POLICY,
  type PolicyRecord,
  sortNameOf,
} from "./entry.ts";
import { type InodeId, inodeId } from "./ids.ts";
import { type Mutation, nextVersion } from "./mutation.ts";
import type { Path } from "./path.ts";
import { checkPrecondition, type Precondition } from "./precondition.ts";
import {
  type BothForms,
  endOf,
  notFound,
  pathOf,
  readBothForms,
  type Walk,
  walk,
} from "./resolve.ts";

/** A place in a directory where something is or could be. */
export interface Slot {
  readonly path: Path;
  readonly parentId: InodeId;
  readonly name: string;
  /** What is there now. */
  readonly present: BothForms;
}

/** The name that a change is about; the root has none and is refused as `invalidArgument`. */
export function requireName(path: Path): string {
  const name = path.names.at(-1);
  if (name === undefined)
    throw new CairnError("invalidArgument", "the root cannot be replaced, moved or removed");
  return name;
}

/**
 * The slot at `path`. Missing parents are made when `parents` says so, else `pathNotFound`. A top-level directory that
 * is made gets `topId`, where that is given.
 */
export async function openSlot(
  mutation: Mutation,
  path: Path,
  parents: boolean,
  topId?: InodeId,
): Promise<Slot> {
  const walked = await walk(mutation.tx, path.names.slice(0, -1));
  return slotBelow(mutation, path, walked, parents, topId);
}

/** The same after the walk to its directory. */
export async function slotBelow(
  mutation: Mutation,
  path: Path,
  walked: Walk,
  parents: boolean,
  topId?: InodeId,
): Promise<Slot> {
  const name = requireName(path);
  if (walked.missing.length > 0) {
    if (!parents) throw notFound(path.names, walked);
    const parentId = makeMissing(mutation, path, walked, topId);
    return { path, parentId, name, present: { file: undefined, directory: undefined } };
  }
  const parentId = endOf(walked);
  return { path, parentId, name, present: await readBothForms(mutation.tx, parentId, name) };
}

/** Makes the directories that a walk missed; the last one's inode. */
function makeMissing(
  mutation: Mutation,
  path: Path,
  walked: Walk,
  topId: InodeId | undefined,
): InodeId {
  let parentId = endOf(walked);
  let depth = walked.directories.length;
  for (const name of walked.missing) {
    depth += 1;
    const place = { parentId, name, path: pathOf(path.names, depth) };
    const id = (depth === 1 ? topId : undefined) ?? inodeId(mutation.nextId());
    const made = putDirectory(mutation, place, id, NO_CHANGES, NO_POLICY);
    parentId = made.inodeId;
  }
  return parentId;
}

/** Puts a new directory where nothing is. */
export function addDirectory(
  mutation: Mutation,
  place: { readonly parentId: InodeId; readonly name: string; readonly path: string },
  attributes: AttributeChanges,
  policy: PolicyRecord,
): DirectoryEntry {
  return putDirectory(mutation, place, inodeId(mutation.nextId()), attributes, policy);
}

function putDirectory(
  mutation: Mutation,
  place: { readonly parentId: InodeId; readonly name: string; readonly path: string },
  id: InodeId,
  attributes: AttributeChanges,
  policy: PolicyRecord,
): DirectoryEntry {
  const { tx, nowMs } = mutation;
  const entry: DirectoryEntry = {
    kind: "directory",
    inodeId: id,
    version: id,
    createdMs: nowMs,
    modifiedMs: attributes.modifiedMs ?? nowMs,
    mode: attributes.mode ?? DIRECTORY_MODE_DEFAULT,
    contentType: attributes.contentType ?? "",
    userMetadata: attributes.userMetadata ?? NO_METADATA,
    policy,
  };
  entries.put(tx, [place.parentId, sortNameOf(place.name, "directory")], entry);
  count(tx, "directories", 1);
  logChange(mutation, { kind: "makeDirectory", path: place.path, inodeId: id });
  return entry;
}

/** What a new file's entry says of its bytes. */
export type FileBody = Pick<
  FileEntry,
  "contentId" | "sizeBytes" | "chunkCount" | "chunkSizeBytes" | "replicationFactor" | "sha256"
>;

export interface PutFileTerms {
  readonly attributes: AttributeChanges;
  readonly precondition: Precondition;
  /** Refuse with `pathExists` to replace a file. */
  readonly noReplace?: boolean;
}

/**
 * Puts a new file in a slot, replacing the file there. A directory of the name is `isADirectory`. The entry takes
 * over an owner of the content that the caller has counted.
 */
export async function putFile(
  mutation: Mutation,
  slot: Slot,
  body: FileBody,
  terms: PutFileTerms,
): Promise<FileEntry> {
  const { tx, nowMs } = mutation;
  const { attributes } = terms;
  const replaced = checkFileSlot(slot, terms);
  const id = mutation.nextId();
  const entry: FileEntry = {
    kind: "file",
    inodeId: inodeId(id),
    version: nextVersion(id, replaced?.version),
    createdMs: nowMs,
    modifiedMs: attributes.modifiedMs ?? nowMs,
    mode: attributes.mode ?? FILE_MODE_DEFAULT,
    contentType: attributes.contentType ?? "",
    userMetadata: attributes.userMetadata ?? NO_METADATA,
    ...body,
  };
  entries.put(tx, [slot.parentId, slot.name], entry);
  if (replaced !== undefined) await dropFile(mutation, replaced);
  count(tx, "files", 1);
  count(tx, "logicalBytes", entry.sizeBytes);
  logChange(mutation, { kind: "put", path: slot.path.text, inodeId: entry.inodeId });
  return entry;
}

/** Whether a file may be put here: throws as `putFile` would, or gives the file that it would replace. */
export function checkFileSlot(
  slot: Pick<Slot, "path" | "present">,
  terms: Pick<PutFileTerms, "precondition" | "noReplace">,
): FileEntry | undefined {
  const { file, directory } = slot.present;
  checkPrecondition(terms.precondition, file ?? directory, slot.path.text);
  if (directory !== undefined && file === undefined) {
    throw new CairnError("isADirectory", `${slot.path.text} is a directory`);
  }
  if (file !== undefined && terms.noReplace === true) {
    throw new CairnError("pathExists", `${slot.path.text} exists`);
  }
  return file;
}

/** What of a mutation it takes to let go of a file. */
export type Dropping = Pick<Mutation, "tx" | "nowMs"> & {
  readonly settings: Pick<Mutation["settings"], "contentGraceMs">;
};

/** Lets go of a file whose entry is deleted or overwritten by the caller. */
export async function dropFile(mutation: Dropping, file: FileEntry): Promise<void> {
  const { tx, nowMs, settings } = mutation;
  count(tx, "files", -1);
  count(tx, "logicalBytes", -file.sizeBytes);
  await dropOwner(tx, file.contentId, nowMs + settings.contentGraceMs);
}
