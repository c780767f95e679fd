import type { FileEntry } from "./entry.ts";

/** Lists the children of a directory, in the order of their keys. */
export type ListChildren = (
  path: string,
  options: { readonly signal?: AbortSignal | undefined },
) => AsyncIterable<FileEntry>;

export interface WalkOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Everything below `path`, each directory before its children. What is made or removed meanwhile may or may not be seen; a
 * directory that disappears is passed over.
 */
export async function* walkTree(
  list: ListChildren,
  path: string,
  options: WalkOptions,
  isGone: (error: unknown) => boolean,
): AsyncGenerator<FileEntry, void, undefined> {
  // A stack of listings under way, not of entries: memory grows with the depth of the tree only.
  const stack = [list(path, options)[Symbol.asyncIterator]()];
  try {
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = await nextOf(top, stack.length > 1 ? isGone : undefined);
      if (next === undefined) {
        stack.pop();
        continue;
      }
      yield next;
      if (next.kind === "directory") stack.push(list(next.path, options)[Symbol.asyncIterator]());
    }
  } finally {
    for (const listing of stack) await listing.return?.();
  }
}

async function nextOf(
  listing: AsyncIterator<FileEntry>,
  isGone: ((error: unknown) => boolean) | undefined,
): Promise<FileEntry | undefined> {
  try {
    const next = await listing.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    if (isGone?.(error) === true) return undefined;
    throw error;
  }
}

/** What a tree adds up to. */
export interface TreeUsage {
  readonly fileCount: number;
  readonly directoryCount: number;
  /** The lengths of the files. */
  readonly sizeBytes: number;
  /** What their copies take, as far as that is known without looking: chunks that files share are counted for each. */
  readonly replicatedBytes: number;
}

/** Adds up entries. */
export async function usageOf(
  entries: AsyncIterable<FileEntry> | Iterable<FileEntry>,
): Promise<TreeUsage> {
  let fileCount = 0;
  let directoryCount = 0;
  let sizeBytes = 0;
  let replicatedBytes = 0;
  for await (const entry of entries) {
    if (entry.kind === "directory") {
      directoryCount += 1;
      continue;
    }
    fileCount += 1;
    sizeBytes += entry.sizeBytes;
    replicatedBytes += entry.sizeBytes * (entry.chunkCount === 0 ? 1 : entry.replicationFactor);
  }
  return { fileCount, directoryCount, sizeBytes, replicatedBytes };
}
