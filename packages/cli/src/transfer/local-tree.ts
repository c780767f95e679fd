import { lstat, opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { hasErrorCode } from "@cairnfs/base/disk";
import { systemCodeOf } from "../exit-codes.ts";

/** A file or folder of this machine. */
export interface LocalEntry {
  /** `other` is a socket, a device, a link that leads nowhere. */
  readonly kind: "file" | "directory" | "other";
  readonly path: string;
  /** Names from the top of the tree down to this. */
  readonly names: readonly string[];
  readonly sizeBytes: number;
  readonly mode: number;
  readonly modifiedMs: number;
}

/** Told of what the walk cannot give. */
export interface WalkListener {
  /** Neither file nor folder: passed over. */
  skipped(path: string, why: string): void;
  /** The system does not let us look. */
  failed(path: string, error: unknown): void;
}

/**
 * Everything below a local folder, each folder before what is in it. Links to files count as the files; links to folders and
 * what is neither are passed over, and told.
 */
export async function* walkLocal(
  folder: string,
  listener: WalkListener,
  names: readonly string[] = [],
): AsyncGenerator<LocalEntry> {
  const children = await orFailed(opendir(folder), folder, listener);
  if (children === undefined) return;
  for await (const child of children) {
    const path = join(folder, child.name);
    const below = [...names, child.name];
    const entry = await orFailed(localEntry(path, below), path, listener);
    if (entry === undefined) continue;
    const why = reasonToSkip(entry, child.isSymbolicLink());
    if (why !== undefined) {
      listener.skipped(path, why);
      continue;
    }
    yield entry;
    if (entry.kind === "directory") yield* walkLocal(path, listener, below);
  }
}

function reasonToSkip({ kind }: LocalEntry, isLink: boolean): string | undefined {
  if (kind === "other") return isLink ? "a link that leads nowhere" : "neither file nor folder";
  return kind === "directory" && isLink ? "a link to a folder" : undefined;
}

async function orFailed<T>(
  looked: Promise<T>,
  path: string,
  listener: WalkListener,
): Promise<T | undefined> {
  try {
    return await looked;
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    listener.failed(path, error);
    return undefined;
  }
}

/** What is at a local path, links followed. Below the top of a tree a link that leads nowhere is an entry, too. */
export async function localEntry(path: string, names: readonly string[] = []): Promise<LocalEntry> {
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(path);
  } catch (error) {
    if (names.length === 0 || !hasErrorCode(error, "ENOENT", "ELOOP")) throw error;
    found = await lstat(path);
  }
  return {
    kind: found.isFile() ? "file" : found.isDirectory() ? "directory" : "other",
    path,
    names,
    sizeBytes: found.size,
    mode: found.mode & 0o7777,
    modifiedMs: Math.trunc(found.mtimeMs),
  };
}
