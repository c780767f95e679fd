import { present } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import type { KvReader } from "@cairnfs/kv/kv-store";
import { entries } from "../keyspace.ts";
import {
  type DirectoryEntry,
  type EntryRecord,
  type FileEntry,
  type PolicyRecord,
  sortNameOf,
} from "./entry.ts";
import { ABOVE_ROOT_ID, type DomainId, domainId, type InodeId, ROOT_ID } from "./ids.ts";
import type { Path } from "./path.ts";

/** An entry and where it is. */
export interface Located<E extends EntryRecord = EntryRecord> {
  readonly parentId: InodeId;
  /** Empty for the root. */
  readonly name: string;
  readonly entry: E;
}

/** An entry and the directories on the way to it, from the top-level one down. */
export interface Found<E extends EntryRecord = EntryRecord> extends Located<E> {
  readonly directories: readonly DirectoryEntry[];
}

/** How far the names of a path lead through directories. */
export interface Walk {
  /** The directories found, from the top-level one down; the root is not among them. */
  readonly directories: readonly DirectoryEntry[];
  /** The names below the last of them that are not there. */
  readonly missing: readonly string[];
}

/** What is at a name: S3 clients may have made a file and a directory of the same name. */
export interface BothForms {
  readonly file: FileEntry | undefined;
  readonly directory: DirectoryEntry | undefined;
}

/**
 * Follows `names` from the root as far as directories go. A file on the way is `notADirectory`, unless the names are a key's: then the
 * directory beside it is merely missing.
 */
export async function walk(
  reader: KvReader,
  names: readonly string[],
  isKey = false,
): Promise<Walk> {
  const directories: DirectoryEntry[] = [];
  let parentId = ROOT_ID;
  let depth = 0;
  for (const name of names) {
    const found = entries.getShared(reader, [parentId, sortNameOf(name, "directory")]);
    const entry = found instanceof Promise ? await found : found;
    if (entry === undefined) {
      if (!isKey && (await entries.has(reader, [parentId, name]))) {
        throw new CairnError("notADirectory", `${pathOf(names, depth + 1)} is a file`);
      }
      return { directories, missing: names.slice(depth) };
    }
    const directory = asDirectory(entry);
    directories.push(directory);
    parentId = directory.inodeId;
    depth += 1;
  }
  return { directories, missing: [] };
}

/** The directory that a walk ended in. */
export function endOf(walked: Walk): InodeId {
  return walked.directories.at(-1)?.inodeId ?? ROOT_ID;
}

/** Follows `names`, all of which must be directories: the last one's inode, else `pathNotFound`. */
export async function requireDirectory(
  reader: KvReader,
  names: readonly string[],
): Promise<InodeId> {
  return endOf(await requireWalk(reader, names));
}

async function requireWalk(
  reader: KvReader,
  names: readonly string[],
  isKey = false,
): Promise<Walk> {
  const walked = await walk(reader, names, isKey);
  if (walked.missing.length > 0) throw notFound(names, walked);
  return walked;
}

/** Both entries that a name may have. */
export async function readBothForms(
  reader: KvReader,
  parentId: InodeId,
  name: string,
): Promise<BothForms> {
  const found = entries.getMany(reader, [
    [parentId, name],
    [parentId, sortNameOf(name, "directory")],
  ]);
  const [file, directory] = found instanceof Promise ? await found : found;
  return {
    file: file?.kind === "file" ? file : undefined,
    directory: directory?.kind === "directory" ? directory : undefined,
  };
}

/**
 * What is at `path`; throws `pathNotFound` or `notADirectory`. Where a file and a directory share the name, it is the
 * file: the directory is reached through its children and its listing. With a key it is a file in any case.
 */
export async function requireEntry(reader: KvReader, path: Path): Promise<Found> {
  const name = path.names.at(-1);
  if (name === undefined) {
    return { parentId: ABOVE_ROOT_ID, name: "", directories: [], entry: await readRoot(reader) };
  }
  const walked = await requireWalk(reader, path.names.slice(0, -1), path.isKey);
  const parentId = endOf(walked);
  const file = entries.get(reader, [parentId, name]);
  let entry = file instanceof Promise ? await file : file;
  if (entry === undefined && !path.isKey) {
    entry = await entries.get(reader, [parentId, sortNameOf(name, "directory")]);
  }
  if (entry === undefined) throw new CairnError("pathNotFound", `nothing is at ${path.text}`);
  return { parentId, name, directories: walked.directories, entry };
}

/** The file at `path`; a directory there is `isADirectory`. */
export async function requireFile(reader: KvReader, path: Path): Promise<Located<FileEntry>> {
  const located = await requireEntry(reader, path);
  const { entry } = located;
  if (entry.kind !== "file") throw new CairnError("isADirectory", `${path.text} is a directory`);
  return { ...located, entry };
}

export async function readRoot(reader: KvReader): Promise<DirectoryEntry> {
  const found = entries.getShared(reader, [ABOVE_ROOT_ID, sortNameOf("", "directory")]);
  const root = found instanceof Promise ? await found : found;
  return asDirectory(present(root, "the store has no root directory"));
}

/** What `directories` say below `root`, the nearest last. */
export function inheritedPolicy(
  root: DirectoryEntry,
  directories: readonly DirectoryEntry[],
): PolicyRecord {
  let { chunkSizeBytes, replicationFactor, trashMs } = root.policy;
  for (const { policy } of directories) {
    chunkSizeBytes = policy.chunkSizeBytes ?? chunkSizeBytes;
    replicationFactor = policy.replicationFactor ?? replicationFactor;
    trashMs = policy.trashMs ?? trashMs;
  }
  return { chunkSizeBytes, replicationFactor, trashMs };
}

/**
 * The deduplication domain of a file below `walked`: its top-level directory, or the root for files in it.
 * `undefined` where that directory is still to be made.
 */
export function domainOf(walked: Walk): DomainId | undefined {
  const top = walked.directories[0];
  if (top !== undefined) return domainId(top.inodeId);
  return walked.missing.length === 0 ? domainId(ROOT_ID) : undefined;
}

export function notFound(names: readonly string[], walked: Walk): CairnError {
  const missing = pathOf(names, walked.directories.length + 1);
  return new CairnError("pathNotFound", `nothing is at ${missing}`);
}

/** The path of the first `depth` names. */
export function pathOf(names: readonly string[], depth = names.length): string {
  return `/${names.slice(0, depth).join("/")}`;
}

function asDirectory(entry: EntryRecord): DirectoryEntry {
  if (entry.kind === "directory") return entry;
  throw new CairnError("internal", `inode ${entry.inodeId} is a file under a directory's key`);
}
