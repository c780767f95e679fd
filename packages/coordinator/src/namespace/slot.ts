import { CairnError } from "@cairnfs/base/errors";
import { readBucket } from "../buckets/read-bucket.ts";
import { logChange } from "../change-log.ts";
import { count } from "../counters.ts";
import { entries } from "../keyspace.ts";
import { withDefaultRetention } from "../objects/object-lock.ts";
import { replaceFile } from "../objects/replace-file.ts";
import { type AttributeChanges, NO_CHANGES } from "./attributes.ts";
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
  /** The top-level directory that it is in, which is the bucket of the objects below; `undefined` in the root. */
  readonly topId: InodeId | undefined;
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
 * is made gets `topId`, where that is given. Of a key all but the bucket is made, as implied directories.
 */
export async function openSlot(
  mutation: Mutation,
  path: Path,
  parents: boolean,
  topId?: InodeId,
): Promise<Slot> {
  const walked = await walk(mutation.tx, path.names.slice(0, -1), path.isKey);
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
    checkMissing(path, walked, parents);
    const made = makeMissing(mutation, path, walked, topId);
    const present = { file: undefined, directory: undefined };
    const top = walked.directories[0]?.inodeId ?? made[0];
    return { path, topId: top, parentId: made.at(-1) ?? endOf(walked), name, present };
  }
  const parentId = endOf(walked);
  const present = await readBothForms(mutation.tx, parentId, name);
  return { path, topId: walked.directories[0]?.inodeId, parentId, name, present };
}

/** Whether the directories that a walk missed may be made; else `pathNotFound`. */
export function checkMissing(path: Path, walked: Walk, parents: boolean): void {
  const mayMake = path.isKey ? walked.directories.length > 0 : parents;
  if (walked.missing.length > 0 && !mayMake) throw notFound(path.names, walked);
}

/** Makes the directories that a walk missed; their inodes. */
function makeMissing(
  mutation: Mutation,
  path: Path,
  walked: Walk,
  topId: InodeId | undefined,
): readonly InodeId[] {
  const made: InodeId[] = [];
  let parentId = endOf(walked);
  let depth = walked.directories.length;
  for (const name of walked.missing) {
    depth += 1;
    const place = { parentId, name, path: pathOf(path.names, depth) };
    parentId = (depth === 1 ? topId : undefined) ?? inodeId(mutation.nextId());
    putDirectory(mutation, place, parentId, { ...NEW_DIRECTORY, isImplied: path.isKey });
    made.push(parentId);
  }
  return made;
}

/** Puts a new directory where nothing is. */
export function addDirectory(
  mutation: Mutation,
  place: { readonly parentId: InodeId; readonly name: string; readonly path: string },
  attributes: AttributeChanges,
  policy: PolicyRecord,
): DirectoryEntry {
  const id = inodeId(mutation.nextId());
  return putDirectory(mutation, place, id, { attributes, policy, isImplied: false });
}

interface DirectoryTerms {
  readonly attributes: AttributeChanges;
  readonly policy: PolicyRecord;
  readonly isImplied: boolean;
}

const NEW_DIRECTORY = { attributes: NO_CHANGES, policy: NO_POLICY };

function putDirectory(
  mutation: Mutation,
  place: { readonly parentId: InodeId; readonly name: string; readonly path: string },
  id: InodeId,
  { attributes, policy, isImplied }: DirectoryTerms,
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
    isImplied,
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

/** The same of a file that is there. */
export function bodyOf(file: FileEntry): FileBody {
  const { contentId, sizeBytes, chunkCount, chunkSizeBytes, replicationFactor, sha256 } = file;
  return { contentId, sizeBytes, chunkCount, chunkSizeBytes, replicationFactor, sha256 };
}

export interface PutFileTerms {
  readonly attributes: AttributeChanges;
  readonly precondition: Precondition;
  /** Refuse with `pathExists` to replace a file. */
  readonly noReplace?: boolean;
  /** What is said of it as an object, encoded. */
  readonly object?: Uint8Array | undefined;
}

/**
 * Puts a new file in a slot, replacing the file there. A directory of the name is `isADirectory`, unless the path is a key. The entry takes
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
  const version = await replaceFile(mutation, slot, replaced, id);
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
    ...version,
    object: await objectIn(mutation, slot, terms.object),
  };
  entries.put(tx, [slot.parentId, slot.name], entry);
  count(tx, "files", 1);
  count(tx, "logicalBytes", entry.sizeBytes);
  logChange(mutation, { kind: "put", path: slot.path.text, inodeId: entry.inodeId });
  return entry;
}

/** What is said of a file as an object once it is new in its bucket. */
export async function objectIn(
  { tx, nowMs }: Mutation,
  { topId }: Slot,
  object: Uint8Array | undefined,
): Promise<Uint8Array | undefined> {
  return topId === undefined
    ? object
    : withDefaultRetention(await readBucket(tx, topId), object, nowMs);
}

/** Whether a file may be put here: throws as `putFile` would, or gives the file that it would replace. */
export function checkFileSlot(
  slot: Pick<Slot, "path" | "present">,
  terms: Pick<PutFileTerms, "precondition" | "noReplace">,
): FileEntry | undefined {
  const { path } = slot;
  const file = slot.present.file;
  const directory = path.isKey ? undefined : slot.present.directory;
  checkPrecondition(terms.precondition, file ?? directory, path.text);
  if (directory !== undefined && file === undefined) {
    throw new CairnError("isADirectory", `${path.text} is a directory`);
  }
  if (file !== undefined && terms.noReplace === true) {
    throw new CairnError("pathExists", `${path.text} exists`);
  }
  return file;
}
