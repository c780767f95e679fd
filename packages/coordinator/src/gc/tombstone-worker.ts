import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvReader, KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import { forgetBucket } from "../buckets/read-bucket.ts";
import { ChunkBatch } from "../chunks/chunk-batch.ts";
import { count } from "../counters.ts";
import {
  chunkMap,
  contentParts,
  contents,
  entries,
  TOMB_KIND,
  tombstones,
  versions,
} from "../keyspace.ts";
import { abortMultipartsOf, letGoParts } from "../multipart/let-go-parts.ts";
import type { ContentRecord } from "../namespace/content.ts";
import { dropOwner } from "../namespace/content-owners.ts";
import { type ContentId, contentId, type InodeId, inodeId } from "../namespace/ids.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import { takeKept } from "../objects/version-rows.ts";
import { pauseUntil } from "./pause-until.ts";

/** Bounds of one step, which is one commit: it ends at the first of them. */
const STEP_TOMBSTONES = 256;
const STEP_ENTRIES = 256;
const STEP_CHUNKS = 1024;
const MAP_ROWS = 4;

export interface TombstoneParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly settings: Pick<NamespaceSettings, "contentGraceMs" | "chunkGraceMs">;
  /** Hears that chunks may have lost references. */
  readonly onGarbage?: () => void;
}

/** What is left of the bounds of a step. */
interface Room {
  entries: number;
  chunks: number;
}

interface StepTerms {
  readonly nowMs: number;
  readonly room: Room;
}

/**
 * Takes apart removed directories and contents without owners, many small ones or a bounded piece of a large one in each
 * transaction. What a step has done is gone from the store with it, so that the next one goes on there, whoever runs it.
 */
export class TombstoneWorker implements Worker {
  readonly name = "tombstones";
  readonly #parts: TombstoneParts;

  constructor(parts: TombstoneParts) {
    this.#parts = parts;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const { kv, clock } = this.#parts;
    const nowMs = nowMsOf(clock);
    const next = await kv.read((reader) => tombstones.first(reader));
    const dueMs = next?.key[0];
    if (dueMs === undefined || dueMs > nowMs) return pauseUntil(dueMs, nowMs);
    await kv.transact(
      async (tx) => {
        const room = { entries: STEP_ENTRIES, chunks: STEP_CHUNKS };
        for (const { key } of await dueFirst(tx, nowMs, STEP_TOMBSTONES)) {
          const [, kind, id] = key;
          const isDone = await this.#takeApart(tx, kind, id, { nowMs, room });
          if (isDone) tombstones.delete(tx, key);
          if (!isDone || room.entries <= 0 || room.chunks <= 0) return;
        }
      },
      { signal },
    );
    this.#parts.onGarbage?.();
    return "again";
  }

  #takeApart(tx: KvTransaction, kind: number, id: number, terms: StepTerms): Promise<boolean> {
    if (kind === TOMB_KIND.directory) return this.#takeApartDirectory(tx, inodeId(id), terms);
    if (kind === TOMB_KIND.multipart) return takeApartMultipart(tx, id, terms);
    return this.#takeApartContent(tx, contentId(id), terms);
  }

  /** Deletes children; directories among them get tombstones of their own. True when none is left. */
  async #takeApartDirectory(
    tx: KvTransaction,
    id: InodeId,
    { nowMs, room }: StepTerms,
  ): Promise<boolean> {
    const goneAtMs = nowMs + this.#parts.settings.contentGraceMs;
    const limit = room.entries;
    const children = await entries.page(tx, { within: [id], limit });
    room.entries -= children.length;
    for (const { key, value } of children) {
      entries.delete(tx, key);
      if (value.kind === "directory") {
        count(tx, "directories", -1);
        tombstones.put(tx, [nowMs, TOMB_KIND.directory, value.inodeId], true);
      } else {
        count(tx, "files", -1);
        count(tx, "logicalBytes", -value.sizeBytes);
        await dropOwner(tx, value.contentId, goneAtMs);
      }
    }
    if (children.length === limit) return false;
    if (!(await letVersionsGo(tx, id, { nowMs: goneAtMs, room }))) return false;
    const uploadsMax = Math.max(1, room.entries);
    const uploads = await abortMultipartsOf(tx, id, uploadsMax, nowMs);
    room.entries -= uploads;
    if (uploads === uploadsMax) return false;
    await forgetBucket(tx, id);
    return true;
  }

  /** Drops the references of some rows of the chunk map. True when the content is gone with the last of them. */
  async #takeApartContent(
    tx: KvTransaction,
    id: ContentId,
    { nowMs, room }: StepTerms,
  ): Promise<boolean> {
    const content = await contents.get(tx, id);
    // Damage that a check tells of must not hold up the others.
    if (content === undefined) return true;
    if (content.partsOf !== undefined) return takeApartComposite(tx, id, content, { nowMs, room });
    const rows = await chunkMap.page(tx, { within: [id], limit: MAP_ROWS });
    const mapped = rows.flatMap((row) => row.value);
    room.chunks -= mapped.length;
    const batch = await ChunkBatch.load(
      tx,
      content.domainId,
      mapped.map((chunk) => chunk.chunkId),
    );
    const dueMs = nowMs + this.#parts.settings.chunkGraceMs;
    for (const chunk of mapped) batch.dropReference(chunk.chunkId, dueMs);
    batch.flush();
    for (const { key } of rows) chunkMap.delete(tx, key);
    if (rows.length === MAP_ROWS) return false;
    contents.delete(tx, id);
    return true;
  }
}

/** Lets go of versions that a bucket keeps. True when none is left. */
async function letVersionsGo(
  tx: KvTransaction,
  bucketId: InodeId,
  { nowMs: goneAtMs, room }: StepTerms,
): Promise<boolean> {
  const limit = Math.max(1, room.entries);
  const rows = await versions.page(tx, { within: [bucketId], limit });
  room.entries -= rows.length;
  for (const { key, value: record } of rows) {
    const [, objectKey, sequence] = key;
    takeKept({ tx }, { bucketId, key: objectKey }, { sequence, record });
    if (record.kind === "file") await dropOwner(tx, record.entry.contentId, goneAtMs);
  }
  return rows.length < limit;
}

/** Drops the owners that some parts are. Its readers had their grace, so that the parts need none of their own. */
async function takeApartComposite(
  tx: KvTransaction,
  id: ContentId,
  { partsOf }: ContentRecord,
  { nowMs, room }: StepTerms,
): Promise<boolean> {
  if (partsOf !== undefined && partsOf !== id) {
    room.entries -= 1;
    await dropOwner(tx, partsOf, nowMs);
  } else {
    const limit = Math.max(1, room.entries);
    const rows = await contentParts.page(tx, { within: [id], limit });
    room.entries -= rows.length;
    for (const { key, value } of rows) {
      contentParts.delete(tx, key);
      await dropOwner(tx, value.contentId, nowMs);
    }
    if (rows.length === limit) return false;
  }
  contents.delete(tx, id);
  return true;
}

/** Lets go of some parts of an upload that has ended. True when none is left. */
async function takeApartMultipart(
  tx: KvTransaction,
  number: number,
  { nowMs, room }: StepTerms,
): Promise<boolean> {
  const limit = Math.max(1, room.entries);
  const { parts, isDone } = await letGoParts(tx, number, limit, nowMs);
  room.entries -= parts;
  return isDone;
}

function dueFirst(reader: KvReader, nowMs: number, limit: number) {
  return tombstones.page(reader, { before: [nowMs + 1, 0, 0], limit });
}
