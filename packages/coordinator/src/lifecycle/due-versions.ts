import type { KvReader } from "@cairnfs/kv/kv-store";
import { prefixEnd } from "@cairnfs/kv/ordered-key";
import type { LifecycleRule } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { JUST_AFTER, type KeyRange } from "../listing/key-range.ts";
import { type ListedVersionItem, listVersions } from "../listing/list-versions.ts";
import type { InodeId } from "../namespace/ids.ts";
import { decodeObjectAttributes } from "../objects/object-attributes.ts";
import type { VersionChoice } from "../objects/version-id.ts";
import type { VersionsPlace } from "./lap-state.ts";
import { isExpired, type LifecycleSubject, type LifecycleTimes, prefixesOf } from "./rules.ts";

/** So many versions are looked at in one step. */
const STEP_VERSIONS = 256;
const NOTHING = Buffer.alloc(0);

/** A version that a rule wants to go, or the newest one of a key that is to expire. */
export interface DueVersion {
  readonly key: string;
  readonly what: "object" | "version" | "deleteMarker";
  readonly isLatest: boolean;
  readonly choice: VersionChoice;
  /** Of the entry, where it has one in the tree. */
  readonly entryVersion: number | undefined;
}

export interface DueVersions {
  readonly due: readonly DueVersion[];
  /** How many versions were looked at. */
  readonly seen: number;
  /** Absent when all of the bucket was looked at. */
  readonly next: VersionsPlace | undefined;
}

type VersionItem = Exclude<ListedVersionItem, { readonly kind: "prefix" }>;

/** Looks at some versions of a bucket, from `place` on: which of them the rules want to go. */
export async function dueVersions(
  reader: KvReader,
  bucketId: InodeId,
  request: {
    readonly rules: readonly LifecycleRule[];
    readonly place: VersionsPlace;
    readonly times: LifecycleTimes;
    /** How many versions to look at; 2 at least. */
    readonly limit?: number;
  },
): Promise<DueVersions> {
  const { rules, place, times } = request;
  const prefix = prefixesOf(rules).find((one) => isBeforeEnd(place.key, one));
  if (prefix === undefined) return { due: [], seen: 0, next: undefined };
  const limit = request.limit ?? STEP_VERSIONS;
  const page = await readPage(reader, bucketId, { place, prefix, limit });
  // Of the last item of a page that was cut off nobody knows whether it is the last of its key.
  const count = page.isCut ? page.items.length - 1 : page.items.length;
  const due: DueVersion[] = [];
  let at: VersionsPlace = place;
  for (const [index, item] of page.items.slice(0, count).entries()) {
    const isNewKey = at.sequence === undefined || !at.key.equals(item.key);
    const newer = isNewKey ? 0 : at.noncurrent;
    const isOnly = isNewKey && page.items[index + 1]?.key.equals(item.key) !== true;
    if (isExpired(rules, subjectOf(item, newer, isOnly), times)) due.push(dueOf(item));
    const noncurrent = newer + (item.isLatest ? 0 : 1);
    at = { ...place, key: item.key, sequence: sequenceOf(item), noncurrent };
  }
  if (page.isCut) return { due, seen: count, next: at };
  const next = page.restFrom && {
    ...place,
    key: page.restFrom,
    sequence: undefined,
    noncurrent: 0,
  };
  return { due, seen: count, next };
}

interface VersionsPage {
  readonly items: readonly VersionItem[];
  /** There is more, of the last item's key or after it. */
  readonly isCut: boolean;
  /** Otherwise: the key from which on there may be more. */
  readonly restFrom: Buffer | undefined;
}

async function readPage(
  reader: KvReader,
  bucketId: InodeId,
  wanted: { readonly place: VersionsPlace; readonly prefix: Buffer; readonly limit: number },
): Promise<VersionsPage> {
  const { prefix, limit } = wanted;
  const { key, sequence } = wanted.place;
  const isBefore = Buffer.compare(key, prefix) < 0;
  const range: KeyRange = { prefix, delimiter: NOTHING, start: isBefore ? prefix : key };
  const marker =
    isBefore || sequence === undefined
      ? undefined
      : ({ key: key.toString("utf8"), choice: { kind: "sequence", sequence } } as const);
  const page = await listVersions(reader, bucketId, { range, limit, marker });
  // Without a delimiter nothing is rolled up.
  const items = page.items.filter((item): item is VersionItem => item.kind !== "prefix");
  if (page.next !== undefined) {
    const isCut = page.next.versionId !== "";
    return { items, isCut, restFrom: Buffer.concat([page.next.key, JUST_AFTER]) };
  }
  const isAll = prefix.byteLength === 0;
  return { items, isCut: false, restFrom: isAll ? undefined : Buffer.from(prefixEnd(prefix)) };
}

/** Whether something with the prefix may come from `key` on. */
function isBeforeEnd(key: Buffer, prefix: Buffer): boolean {
  return prefix.byteLength === 0 || Buffer.compare(key, prefixEnd(prefix)) < 0;
}

function subjectOf(item: VersionItem, newer: number, isOnly: boolean): LifecycleSubject {
  const modifiedMs = item.kind === "file" ? item.entry.modifiedMs : item.marker.modifiedMs;
  return {
    key: item.key.toString("utf8"),
    file:
      item.kind === "file"
        ? {
            sizeBytes: item.entry.sizeBytes,
            tags: () => decodeObjectAttributes(item.entry.object).tags,
          }
        : undefined,
    modifiedMs,
    noncurrent: item.isLatest ? undefined : { sinceMs: item.noncurrentMs || modifiedMs, newer },
    isOnly,
  };
}

function dueOf(item: VersionItem): DueVersion {
  const sequence = sequenceOf(item);
  const isNull = item.kind === "file" ? item.entry.isNull : item.marker.isNull;
  const isObject = item.kind === "file" && item.isLatest;
  return {
    key: item.key.toString("utf8"),
    what: isObject ? "object" : item.kind === "file" ? "version" : "deleteMarker",
    isLatest: item.isLatest,
    choice: isNull || sequence === 0 ? { kind: "null" } : { kind: "sequence", sequence },
    entryVersion: isObject ? item.entry.version : undefined,
  };
}

function sequenceOf(item: VersionItem): number {
  return item.kind === "file" ? item.entry.sequence : item.sequence;
}
