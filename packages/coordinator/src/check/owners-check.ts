import type { KvStore } from "@cairnfs/kv/kv-store";
import {
  contentParts,
  contents,
  entries,
  sessions,
  TOMB_KIND,
  tombstones,
  trash,
  versions,
} from "../keyspace.ts";
import { multipartParts } from "../multipart/multipart-tables.ts";
import type { ContentRecord } from "../namespace/content.ts";
import type { ContentId } from "../namespace/ids.ts";
import type { CountingCheck } from "./counting.ts";
import type { Found, Mended } from "./finding.ts";
import { forEachRow, pagesOf, type Scanner } from "./scanner.ts";

export interface OwnersCheckParts {
  readonly kv: KvStore | undefined;
  readonly nowMs: () => number;
  readonly contentGraceMs: number;
}

/**
 * Contents count the entries, versions, items of the trash, parts, composites and open uploads that they belong to; one without any has
 * a tombstone.
 */
export function ownersCheck(parts: OwnersCheckParts): CountingCheck<ContentId> {
  return {
    async window(scanner, after, limit) {
      const ids: ContentId[] = [];
      const range = after === undefined ? {} : { after };
      const pages = pagesOf(scanner, contents, range, (rows) => rows.map(({ key }) => key));
      for await (const page of pages) {
        for (const id of page) ids.push(id);
        if (ids.length >= limit) break;
      }
      return ids.slice(0, limit);
    },

    async suspectsOf(scanner, ids) {
      const counts = await countOwners(scanner, ids);
      const suspects: ContentId[] = [];
      await forEachOf(scanner, ids, (id, record, isUnlisted) => {
        if (isUnlisted || record.owners !== counts.get(id)) suspects.push(id);
      });
      return suspects;
    },

    async verdictsOf(scanner, ids) {
      const counts = await countOwners(scanner, ids);
      const found: Found[] = [];
      await forEachOf(scanner, ids, (id, record, isUnlisted) => {
        const owners = counts.get(id) ?? 0;
        if (record.owners !== owners || isUnlisted) found.push(foundOf(parts, id, record, owners));
      });
      return found;
    },
  };
}

/** How many owners each of these contents has. */
async function countOwners(
  scanner: Scanner,
  ids: readonly ContentId[],
): Promise<ReadonlyMap<ContentId, number>> {
  const counts = new Map(ids.map((id) => [id, 0]));
  const add = (id: ContentId) => {
    const count = counts.get(id);
    if (count !== undefined) counts.set(id, count + 1);
  };
  await forEachRow(scanner, entries, {}, ({ value }) => {
    if (value.kind === "file") add(value.contentId);
  });
  await forEachRow(scanner, trash, {}, ({ value: { entry } }) => {
    if (entry.kind === "file") add(entry.contentId);
  });
  await forEachRow(scanner, versions, {}, ({ value }) => {
    if (value.kind === "file") add(value.entry.contentId);
  });
  await forEachRow(scanner, sessions, {}, ({ value }) => {
    if (value.answer === undefined) add(value.contentId);
  });
  await forEachRow(scanner, contentParts, {}, ({ value }) => add(value.contentId));
  await forEachRow(scanner, multipartParts, {}, ({ value }) => add(value.contentId));
  await forEachRow(scanner, contents, {}, ({ key, value: { partsOf } }) => {
    if (partsOf !== undefined && partsOf !== key) add(partsOf);
  });
  return counts;
}

const BATCH = 1_000;

/** Each of these that is there, and whether it says that nobody owns it and yet no tombstone stands for it. */
async function forEachOf(
  scanner: Scanner,
  ids: readonly ContentId[],
  visit: (id: ContentId, record: ContentRecord, isUnlisted: boolean) => void,
): Promise<void> {
  for (let at = 0; at < ids.length; at += BATCH) {
    const some = ids.slice(at, at + BATCH);
    await scanner.read(async (reader) => {
      const records = await contents.getMany(reader, some);
      for (const [index, id] of some.entries()) {
        const record = records[index];
        if (record === undefined) continue;
        visit(
          id,
          record,
          record.owners === 0 && !(await tombstones.has(reader, tombOf(id, record))),
        );
      }
    });
    await scanner.pause(some.length);
  }
}

function tombOf(id: ContentId, { goneAtMs }: ContentRecord) {
  return [goneAtMs, TOMB_KIND.content, id] as const;
}

function foundOf(
  parts: OwnersCheckParts,
  id: ContentId,
  seen: ContentRecord,
  owners: number,
): Found {
  const { kv } = parts;
  return {
    finding: {
      kind: seen.owners === owners ? "contentUnlisted" : "ownersWrong",
      subject: `content ${id}`,
      message:
        seen.owners === owners
          ? "it has no owners and no tombstone"
          : `it counts ${seen.owners} owners and has ${owners}`,
    },
    mend: kv === undefined ? undefined : () => mend(kv, parts, id, seen, owners),
  };
}

/** Every change of the owners changes the record: as long as it is as it was seen, what was counted is true. */
function mend(
  kv: KvStore,
  parts: OwnersCheckParts,
  id: ContentId,
  seen: ContentRecord,
  owners: number,
): Promise<Mended> {
  return kv.transact(async (tx) => {
    const content = await contents.get(tx, id);
    if (content?.owners !== seen.owners || content.goneAtMs !== seen.goneAtMs) return "changed";
    if (content.goneAtMs !== 0) tombstones.delete(tx, tombOf(id, content));
    const goneAtMs = owners === 0 ? parts.nowMs() + parts.contentGraceMs : 0;
    if (owners === 0) tombstones.put(tx, [goneAtMs, TOMB_KIND.content, id], true);
    contents.put(tx, id, { ...content, owners, goneAtMs });
    return "mended";
  });
}
