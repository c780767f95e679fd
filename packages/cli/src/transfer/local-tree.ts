import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { hasErrorCode } from "@cairnfs/base/disk";

/** A file or folder of this machine. */
export interface LocalEntry {
  readonly kind: "file" | "directory";
  readonly path: string;
  /** Names from the top of the tree down to this. */
  readonly names: readonly string[];
  readonly sizeBytes: number;
  readonly mode: number;
  readonly modifiedMs: number;
}

/** What the walk passes over, and why. */
export type Skipped = (path: string, why: string) => void;

/**
 * Everything below a local folder, each folder before what is in it. Links to files count as the files; links to folders and
 * what is neither are passed over, and told.
 */
export async function* walkLocal(
  folder: string,
  skipped: Skipped,
  names: readonly string[] = [],
): AsyncGenerator<LocalEntry> {
  for await (const child of await opendir(folder)) {
    const path = join(folder, child.name);
    const below = [...names, child.name];
    const entry = await localEntry(path, below);
    if (entry === undefined)
      skipped(
        path,
        child.isSymbolicLink() ? "a link that leads nowhere" : "neither file nor folder",
      );
    else if (entry.kind === "directory" && child.isSymbolicLink())
      skipped(path, "a link to a folder");
    else {
      yield entry;
      if (entry.kind === "directory") yield* walkLocal(path, skipped, below);
    }
  }
}

/** What is at a local path, links followed; undefined for what is neither file nor folder. */
export async function localEntry(
  path: string,
  names: readonly string[] = [],
): Promise<LocalEntry | undefined> {
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(path);
  } catch (error) {
    if (names.length > 0 && hasErrorCode(error, "ENOENT", "ELOOP")) return undefined;
    throw error;
  }
  if (!found.isFile() && !found.isDirectory()) return undefined;
  return {
    kind: found.isFile() ? "file" : "directory",
    path,
    names,
    sizeBytes: found.size,
    mode: found.mode & 0o7777,
    modifiedMs: Math.trunc(found.mtimeMs),
  };
}
