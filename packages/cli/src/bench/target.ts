import type { ObjectContent } from "./content.ts";

/** A page of a listing. */
export interface TargetPage {
  readonly entries: number;
  /** Where the next page starts; undefined after the last. */
  readonly nextAfter: string | undefined;
}

/**
 * A system under load. Paths are relative to a place of its own that is empty at first; all calls may run at the same time, and
 * end when `signal` fires.
 */
export interface BenchTarget {
  /** What the target cannot do is left out of the workloads. */
  readonly can: { readonly rename: boolean; readonly directories: boolean };
  /** Makes the directory with its parents; content with one that is there. Nothing to do where names are flat. */
  ensureDirectory(path: string, signal: AbortSignal): Promise<void>;
  makeDirectory(path: string, signal: AbortSignal): Promise<void>;
  /** Resolves when the object is durable. `took` hears of bytes as they move. */
  put(
    path: string,
    content: ObjectContent,
    signal: AbortSignal,
    took?: (bytes: number) => void,
  ): Promise<void>;
  /** Reads all of it and resolves with how much that was. */
  get(path: string, signal: AbortSignal, took?: (bytes: number) => void): Promise<number>;
  stat(path: string, signal: AbortSignal): Promise<void>;
  rename(source: string, target: string, signal: AbortSignal): Promise<void>;
  remove(path: string, signal: AbortSignal): Promise<void>;
  removeDirectory(path: string, signal: AbortSignal): Promise<void>;
  /** Reads the whole directory as a user would, and resolves with how many entries it has. */
  list(path: string, signal: AbortSignal): Promise<number>;
  /** One page: of the entries whose names come after `after`, in order of their bytes. */
  listPage(path: string, page: PageOptions, signal: AbortSignal): Promise<TargetPage>;
  /** Removes the target's place with all that is in it. */
  wipe(signal: AbortSignal): Promise<void>;
}

export interface PageOptions {
  readonly after: string | undefined;
  readonly entries: number;
}
