import type { CallerOptions } from "../client-options.ts";
import type { CoordinatorCalls } from "../coordinator-calls.ts";
import { count, entryFromWire, type FileEntry } from "../entry.ts";

export interface ListObjectsOptions extends CallerOptions {
  readonly prefix?: string | undefined;
  /** Keys that have it after the prefix are rolled up into one common prefix, which ends with it. */
  readonly delimiter?: string | undefined;
  /** Only keys after this one; when it is a common prefix, only what comes after all its keys. */
  readonly after?: string | undefined;
  /** At most so many objects and common prefixes; 1 to 1,000, which it is unless given. */
  readonly limit?: number | undefined;
}

/** An object, or a common prefix. */
export type ListedObject =
  | { readonly kind: "object"; readonly key: string; readonly entry: FileEntry }
  | { readonly kind: "prefix"; readonly key: string };

export interface ObjectListPage {
  /** In byte order of their keys. */
  readonly items: readonly ListedObject[];
  /** `undefined` after the last page. A page may have fewer items than the limit, or none, and not be the last. */
  readonly nextAfter: string | undefined;
}

export interface ListVersionsOptions extends CallerOptions {
  readonly prefix?: string | undefined;
  readonly delimiter?: string | undefined;
  /** After this key or, with a version, after that version of it. */
  readonly afterKey?: string | undefined;
  readonly afterVersionId?: string | undefined;
  readonly limit?: number | undefined;
}

/** A version of an object, a delete marker, or a common prefix. */
export type ListedVersion =
  | {
      readonly kind: "version";
      readonly key: string;
      readonly versionId: string;
      readonly isLatest: boolean;
      readonly modifiedMs: number;
      readonly entry: FileEntry;
    }
  | {
      readonly kind: "deleteMarker";
      readonly key: string;
      readonly versionId: string;
      readonly isLatest: boolean;
      readonly modifiedMs: number;
      /** Of who removed the object: a user's id, empty for the root user. */
      readonly owner: string;
    }
  | { readonly kind: "prefix"; readonly key: string };

export interface VersionListPage {
  /** In byte order of their keys, of one key the newest first. */
  readonly items: readonly ListedVersion[];
  /** Where the next page goes on; `undefined` after the last one. */
  readonly next: { readonly afterKey: string; readonly afterVersionId: string } | undefined;
}

/** One page of the objects of a bucket. */
export async function listObjectsPage(
  calls: CoordinatorCalls,
  bucket: string,
  options: ListObjectsOptions = {},
): Promise<ObjectListPage> {
  const { signal, prefix = "", delimiter = "", after = "", limit = 0 } = options;
  const reply = await calls.ask(signal, (client, callOptions) =>
    client.objects.listObjects({ bucket, prefix, delimiter, after, limit }, callOptions),
  );
  return {
    items: reply.items.map(({ key, entry }) =>
      entry === undefined
        ? { kind: "prefix", key }
        : { kind: "object", key, entry: entryFromWire(entry, pathOf(bucket, key)) },
    ),
    nextAfter: reply.nextAfter === "" ? undefined : reply.nextAfter,
  };
}

/** One page of the versions and delete markers of a bucket. */
export async function listVersionsPage(
  calls: CoordinatorCalls,
  bucket: string,
  options: ListVersionsOptions = {},
): Promise<VersionListPage> {
  const { signal, prefix = "", delimiter = "", limit = 0 } = options;
  const { afterKey = "", afterVersionId = "" } = options;
  const request = { bucket, prefix, delimiter, afterKey, afterVersionId, limit };
  const reply = await calls.ask(signal, (client, callOptions) =>
    client.objects.listVersions(request, callOptions),
  );
  const { nextAfterKey, nextAfterVersionId } = reply;
  return {
    items: reply.items.map(({ key, version, entry, owner }): ListedVersion => {
      if (version === undefined) return { kind: "prefix", key };
      const { versionId, isLatest } = version;
      const common = { key, versionId, isLatest, modifiedMs: count(version.modifiedMs) };
      if (version.isDeleteMarker) return { kind: "deleteMarker", ...common, owner };
      return { kind: "version", ...common, entry: entryFromWire(entry, pathOf(bucket, key)) };
    }),
    next:
      nextAfterKey === ""
        ? undefined
        : { afterKey: nextAfterKey, afterVersionId: nextAfterVersionId },
  };
}

function pathOf(bucket: string, key: string): string {
  return `/${bucket}/${key}`;
}
