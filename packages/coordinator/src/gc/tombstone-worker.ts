import { present } from "@cairnfs/base/assert";
import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvReader, KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import { ChunkBatch } from "../chunks/chunk-batch.ts";
import { count } from "../counters.ts";
import { chunkMap, contents, entries, TOMB_KIND, tombstones } from "../keyspace.ts";
import { dropOwner } from "../namespace/content-owners.ts";
import { type ContentId, contentId, type InodeId, inodeId } from "../namespace/ids.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";

/** Bounds of one step. */
const STEP_ENTRIES = 256;
const STEP_MAP_ROWS = 4;
const IDLE_PAUSE_MS = 1_000;

export interface TombstoneParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly settings: Pick<NamespaceSettings, "contentGraceMs" | "chunkGraceMs">;
}

/**
 * Takes apart removed directories and contents without owners, a bounded piece in each transaction. What a step has
 * done is gone from the store with it, so that the next one goes on there, whoever runs it.
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
    const isIdle = await kv.read(async (reader) => (await firstDue(reader, nowMs)) === undefined);
    if (isIdle) return { pauseMs: IDLE_PAUSE_MS };
    await kv.transact(
      async (tx) => {
        const due = await firstDue(tx, nowMs);
        if (due === undefined) return;
        const [, kind, id] = due.key;
        const isDone =
          kind === TOMB_KIND.directory
            ? await this.#takeApartDirectory(tx, inodeId(id), nowMs)
            : await this.#takeApartContent(tx, contentId(id), nowMs);
        if (isDone) tombstones.delete(tx, due.key);
      },
      { signal },
    );
    return "again";
  }

  /** Deletes children; directories among them get tombstones of their own. True when none is left. */
  async #takeApartDirectory(tx: KvTransaction, id: InodeId, nowMs: number): Promise<boolean> {
    const goneAtMs = nowMs + this.#parts.settings.contentGraceMs;
    const children = await entries.page(tx, { within: [id], limit: STEP_ENTRIES });
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
    return children.length < STEP_ENTRIES;
  }

  /** Drops the references of some rows of the chunk map. True when the content is gone with the last of them. */
  async #takeApartContent(tx: KvTransaction, id: ContentId, nowMs: number): Promise<boolean> {
    const content = present(await contents.get(tx, id), `content ${id} has a tombstone only`);
    const rows = await chunkMap.page(tx, { within: [id], limit: STEP_MAP_ROWS });
    const mapped = rows.flatMap((row) => row.value);
    const batch = await ChunkBatch.load(
      tx,
      content.domainId,
      mapped.map((chunk) => chunk.chunkId),
    );
    const dueMs = nowMs + this.#parts.settings.chunkGraceMs;
    for (const chunk of mapped) batch.dropReference(chunk.chunkId, dueMs);
    batch.flush();
    for (const { key } of rows) chunkMap.delete(tx, key);
    if (rows.length === STEP_MAP_ROWS) return false;
    contents.delete(tx, id);
    return true;
  }
}

function firstDue(reader: KvReader, nowMs: number) {
  return tombstones.first(reader, { before: [nowMs + 1, 0, 0] });
}
