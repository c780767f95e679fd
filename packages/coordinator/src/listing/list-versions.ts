import type { KvReader } from "@cairnfs/kv/kv-store";
import { prefixEnd } from "@cairnfs/kv/ordered-key";
import { entries, nullVersions, versions } from "../keyspace.ts";
import type { FileEntry } from "../namespace/entry.ts";
import type { InodeId } from "../namespace/ids.ts";
import { isNullVersion, type VersionChoice, versionIdOf } from "../objects/version-id.ts";
import type { DeleteMarker } from "../objects/version-record.ts";
import { commonPrefixOf, JUST_AFTER, type KeyRange, PAGE_BYTES_MAX } from "./key-range.ts";
import { type ObjectPlace, ObjectWalk } from "./object-walk.ts";
import { startsWith } from "./tree-cursor.ts";
import { type VersionPlace, VersionRun } from "./version-run.ts";

/** What is shown: a version, a delete marker, or what keys were rolled up into. */
export type ListedVersionItem =
  | { readonly kind: "prefix"; readonly key: Buffer }
  | {
      readonly kind: "file";
      readonly key: Buffer;
      readonly isLatest: boolean;
      /** When a newer version took its place; 0 of the newest. */
      readonly noncurrentMs: number;
      readonly entry: FileEntry;
    }
  | {
      readonly kind: "marker";
      readonly key: Buffer;
      readonly isLatest: boolean;
      readonly noncurrentMs: number;
      readonly sequence: number;
      readonly marker: DeleteMarker;
    };

export interface VersionPage {
  readonly items: readonly ListedVersionItem[];
  /** Where the next page goes on; `undefined` when this is the last. */
  readonly next: { readonly key: Buffer; readonly versionId: string } | undefined;
}

/** A version that the page before ended with. */
export interface VersionMarker {
  readonly key: string;
  readonly choice: VersionChoice;
}

/**
 * The versions and delete markers of a bucket whose keys are in the range, in byte order of the keys and of one key the newest first: what is in the tree
 * merged with what is kept of earlier. Bounded as a page of objects is.
 */
export async function listVersions(
  reader: KvReader,
  bucketId: InodeId,
  request: {
    readonly range: KeyRange;
    readonly limit: number;
    readonly marker: VersionMarker | undefined;
  },
): Promise<VersionPage> {
  const { range, limit, marker } = request;
  const merge = new VersionMerge(reader, bucketId, range);
  await merge.start(marker);
  const items: ListedVersionItem[] = [];
  let sizeBytes = 0;
  for (;;) {
    const found = await merge.next();
    const last = items.at(-1);
    if (found === undefined) {
      const { stoppedAt } = merge;
      return { items, next: stoppedAt && { key: stoppedAt, versionId: "" } };
    }
    sizeBytes += found.sizeBytes + 2 * found.item.key.byteLength;
    if (last !== undefined && (items.length === limit || sizeBytes > PAGE_BYTES_MAX)) {
      return { items, next: { key: last.key, versionId: versionIdOfItem(last) } };
    }
    items.push(found.item);
  }
}

/** The id that an item is shown with; empty of a common prefix. */
export function versionIdOfItem(item: ListedVersionItem): string {
  if (item.kind === "prefix") return "";
  if (item.kind === "file") return versionIdOf(item.entry);
  return versionIdOf({ sequence: item.sequence, isNull: item.marker.isNull });
}

interface Merged {
  readonly item: ListedVersionItem;
  readonly sizeBytes: number;
}

class VersionMerge {
  readonly #reader: KvReader;
  readonly #bucketId: InodeId;
  readonly #range: KeyRange;
  readonly #walk: ObjectWalk;
  readonly #kept: VersionRun;
  /** A newer version of this key was passed. */
  #seen: Buffer | undefined;

  constructor(reader: KvReader, bucketId: InodeId, range: KeyRange) {
    this.#reader = reader;
    this.#bucketId = bucketId;
    this.#range = range;
    this.#walk = new ObjectWalk(reader, bucketId, range);
    this.#kept = new VersionRun(reader, bucketId);
  }

  get stoppedAt(): Buffer | undefined {
    return this.#walk.stoppedAt;
  }

  async start(marker: VersionMarker | undefined): Promise<void> {
    await this.#moveTo(this.#range.start);
    if (marker === undefined) return;
    const key = Buffer.from(marker.key);
    const current = await this.#currentOf(key);
    const sequence = await this.#sequenceOf(marker, current);
    if (sequence === undefined) return;
    const isCurrent = current?.sequence === sequence;
    if (!isCurrent) this.#kept.moveAfter(key, sequence);
    if (current !== undefined && (isCurrent || (await this.#isPassed(current, marker, sequence)))) {
      this.#walk.pass();
      this.#seen = key;
      return;
    }
    const newest = await versions.first(this.#reader, { within: [this.#bucketId, marker.key] });
    if (newest !== undefined && newest.key[2] >= sequence) this.#seen = key;
  }

  /** Whether what is in the tree came before the marker: it is newer, or came there from elsewhere, before what is kept. */
  async #isPassed(current: FileEntry, { key }: VersionMarker, sequence: number): Promise<boolean> {
    if (current.sequence > sequence) return true;
    return versions.has(this.#reader, [this.#bucketId, key, sequence]);
  }

  /** Passes the next item and gives it; `undefined` at the end. */
  async next(): Promise<Merged | undefined> {
    const place = await this.#walk.place();
    const kept = await this.#keptInRange();
    if (place !== undefined && (kept === undefined || Buffer.compare(place.key, kept.key) <= 0)) {
      if (place.rolledUp !== undefined) return this.#rollUp(place.rolledUp);
      return this.#passCurrent(place);
    }
    if (kept === undefined) return undefined;
    const rolledUp = commonPrefixOf(kept.key, this.#range);
    return rolledUp === undefined ? this.#passKept(kept) : this.#rollUp(rolledUp);
  }

  #passCurrent({ key, record }: ObjectPlace): Merged {
    this.#walk.pass();
    this.#seen = key;
    // A walk stops at files only, but for what is rolled up.
    const entry = entries.decode(record) as FileEntry;
    const item = { kind: "file", key, isLatest: true, noncurrentMs: 0, entry } as const;
    return { item, sizeBytes: record.byteLength };
  }

  #passKept({ key, sequence, record, sizeBytes }: VersionPlace): Merged {
    this.#kept.pass();
    const isNewest = this.#seen?.equals(key) !== true;
    this.#seen = key;
    const common = { key, noncurrentMs: record.noncurrentMs };
    if (record.kind === "file") {
      const item = { kind: "file", ...common, isLatest: false, entry: record.entry } as const;
      return { item, sizeBytes };
    }
    const marker = { sequence, marker: record };
    return { item: { kind: "marker", ...common, isLatest: isNewest, ...marker }, sizeBytes };
  }

  async #rollUp(key: Buffer): Promise<Merged> {
    await this.#moveTo(Buffer.from(prefixEnd(key)));
    return { item: { kind: "prefix", key }, sizeBytes: 0 };
  }

  async #moveTo(target: Buffer): Promise<void> {
    await this.#walk.moveTo(target);
    this.#kept.moveTo(target);
  }

  /** The version at the place, unless it is past the range or past where the walk stopped early. */
  async #keptInRange(): Promise<VersionPlace | undefined> {
    const kept = await this.#kept.place();
    if (kept === undefined || !startsWith(kept.key, this.#range.prefix)) return undefined;
    const { stoppedAt } = this.#walk;
    if (stoppedAt === undefined) return kept;
    const isRolledUp = commonPrefixOf(stoppedAt, this.#range)?.equals(stoppedAt) === true;
    const end = isRolledUp ? prefixEnd(stoppedAt) : Buffer.concat([stoppedAt, JUST_AFTER]);
    return Buffer.compare(kept.key, end) < 0 ? kept : undefined;
  }

  async #currentOf(key: Buffer): Promise<FileEntry | undefined> {
    const place = await this.#walk.place();
    if (place?.key.equals(key) !== true) return undefined;
    const entry = entries.decode(place.record);
    return entry.kind === "file" ? entry : undefined;
  }

  /** The sequence of the marker; `undefined` when the version "null" that it names is gone: then all of its key is shown. */
  async #sequenceOf(
    { key, choice }: VersionMarker,
    current: FileEntry | undefined,
  ): Promise<number | undefined> {
    if (choice.kind === "sequence") return choice.sequence;
    if (current !== undefined && isNullVersion(current)) return current.sequence;
    return nullVersions.get(this.#reader, [this.#bucketId, key]);
  }
}
