import { posix } from "node:path";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { FileEntry } from "../entry.ts";
import type { FileStore } from "./file-store.ts";
import { SequentialWriter } from "./sequential-writer.ts";

export interface WriterOptions {
  readonly mode?: number | undefined;
  readonly isAppend: boolean;
  readonly isExclusive: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A writer of the file at `path`, and where it begins. What is wrong with the path shows at once, as with a real `open`,
 * not when the file is closed.
 */
export async function openWriter(
  store: FileStore,
  path: string,
  { mode, isAppend, isExclusive, signal }: WriterOptions,
): Promise<{ readonly writer: SequentialWriter; readonly startBytes: number }> {
  const there = await entryIfThere(store, path);
  if (there?.kind === "directory") throw new CairnError("isADirectory", `${path} is a directory`);
  if (there !== undefined && isExclusive) throw new CairnError("pathExists", `${path} is taken`);
  if (there === undefined) await mustBeDirectory(store, posix.dirname(path));
  const put = {
    signal,
    mode: mode ?? there?.mode,
    ...(isExclusive && { precondition: { mustNotExist: true } as const }),
  };
  const adds = isAppend && there !== undefined;
  const writer = new SequentialWriter(store, path, adds ? "append" : "replace", put);
  return { writer, startBytes: adds ? there.sizeBytes : 0 };
}

/** What is at `path`; `undefined` when nothing is. */
export async function entryIfThere(store: FileStore, path: string): Promise<FileEntry | undefined> {
  try {
    return await store.stat(path);
  } catch (error) {
    if (hasReason(error, "pathNotFound")) return undefined;
    throw error;
  }
}

/** The first directory that is missing on the way to `path`, itself included; `undefined` when none is. */
export async function firstMissing(store: FileStore, path: string): Promise<string | undefined> {
  let missing: string | undefined;
  for (let at = path; at !== "/"; at = posix.dirname(at)) {
    try {
      await store.stat(at);
      return missing;
    } catch (error) {
      if (!hasReason(error, "pathNotFound", "notADirectory")) throw error;
      missing = at;
    }
  }
  return missing;
}

async function mustBeDirectory(store: FileStore, path: string): Promise<void> {
  const entry = await store.stat(path);
  if (entry.kind === "file") throw new CairnError("notADirectory", `${path} is a file`);
}
