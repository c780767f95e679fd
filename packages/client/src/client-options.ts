import type { EntryAttributes, EntryPrecondition, FileEntry, StoragePolicy } from "./entry.ts";

/** What every call takes. */
export interface CallerOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ListOptions extends CallerOptions {
  /** Entries fetched in one call: 1,000 unless given, at most 10,000. */
  readonly pageSize?: number | undefined;
  /** Start after this key: `nextAfter` of an earlier page. */
  readonly after?: string | undefined;
}

/** A part of a listing. */
export interface ListPage {
  readonly entries: readonly FileEntry[];
  /** Where the next page starts; `undefined` when this was the last. */
  readonly nextAfter: string | undefined;
}

export interface MakeDirectoryOptions extends CallerOptions, EntryAttributes {
  /** Make missing parents too, and be content with a directory that is there. */
  readonly parents?: boolean | undefined;
  readonly policy?: StoragePolicy | undefined;
}

export interface MoveOptions extends CallerOptions {
  readonly noReplace?: boolean | undefined;
  /** Make missing parents of the target. */
  readonly parents?: boolean | undefined;
}

export interface CopyOptions extends MoveOptions {
  /** Instead of the source's attributes. */
  readonly attributes?: EntryAttributes | undefined;
}

export interface RemoveOptions extends CallerOptions {
  /** Remove a directory with everything below it, at once. */
  readonly recursive?: boolean | undefined;
  readonly precondition?: EntryPrecondition | undefined;
  /** Not to the trash, whatever the policy of its directory says. */
  readonly forever?: boolean | undefined;
}

/** Where something that was removed is. */
export interface RemoveResult {
  /** What it is called in the trash; `undefined` when it did not go there. */
  readonly trashId: number | undefined;
  /** Until when it stays there. */
  readonly trashDueMs: number | undefined;
}

export interface SetAttributesOptions extends CallerOptions, EntryAttributes {
  /** Of a directory: replaces the policy that is set on it. */
  readonly policy?: StoragePolicy | undefined;
  readonly precondition?: EntryPrecondition | undefined;
}
