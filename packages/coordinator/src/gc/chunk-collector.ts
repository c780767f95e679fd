import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvReader, KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { changeChunk, deletedChunk } from "../chunks/change-chunk.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { endEpoch } from "../chunks/epochs.ts";
import { chunks, drops, garbageChunks } from "../keyspace.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import { readHorizon } from "../single-values.ts";
import { pauseUntil } from "./pause-until.ts";

const BATCH_CHUNKS = 256;

export interface ChunkCollectorParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly settings: Pick<NamespaceSettings, "receiptLifeMs">;
  /** Hears that nodes have copies to delete. */
  readonly onDecided?: () => void;
}

/**
 * Decides on chunks that have fallen due: garbage is to be deleted by every node that holds it, under an epoch that
 * ends with the decision; the record of a deleted chunk goes when the horizon has passed that epoch.
 */
export class ChunkCollector implements Worker {
  readonly name = "chunk-collector";
  readonly #parts: ChunkCollectorParts;

  constructor(parts: ChunkCollectorParts) {
    this.#parts = parts;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const { kv, clock } = this.#parts;
    const nowMs = nowMsOf(clock);
    const next = await kv.read((reader) => garbageChunks.first(reader));
    const dueMs = next?.key[0];
    if (dueMs === undefined || dueMs > nowMs) return pauseUntil(dueMs, nowMs);
    await kv.transact((tx) => this.#decide(tx, nowMs), { signal });
    this.#parts.onDecided?.();
    return "again";
  }

  async #decide(tx: KvTransaction, nowMs: number): Promise<void> {
    const due = await dueChunks(tx, nowMs, BATCH_CHUNKS);
    if (due.length === 0) return;
    const ids = due.map(({ key }) => key[1]);
    const records = await chunks.getMany(tx, ids);
    const isAnyGarbage = records.some((record) => record?.state === "garbage");
    const epoch = isAnyGarbage ? await endEpoch(tx) : 0;
    const horizon = await readHorizon(tx);
    for (const [at, id] of ids.entries()) {
      const record = records[at];
      if (record?.state === "garbage") this.#condemn(tx, id, record, { epoch, nowMs });
      else if (record?.state === "deleted") this.#bury(tx, id, record, { horizon, nowMs });
    }
  }

  #condemn(
    tx: KvTransaction,
    id: ChunkId,
    record: ChunkRecord,
    { epoch, nowMs }: { readonly epoch: number; readonly nowMs: number },
  ): void {
    for (const nodeNumber of record.nodeNumbers) drops.put(tx, [nodeNumber, id], epoch);
    const condemned: ChunkRecord = { ...record, state: "deleting", dueMs: 0, deleteEpoch: epoch };
    const isHeld = record.nodeNumbers.length > 0;
    changeChunk(tx, id, record, isHeld ? condemned : this.#deleted(condemned, nowMs));
  }

  #bury(
    tx: KvTransaction,
    id: ChunkId,
    record: ChunkRecord,
    { horizon, nowMs }: { readonly horizon: number; readonly nowMs: number },
  ): void {
    if (record.deleteEpoch <= horizon) changeChunk(tx, id, record, undefined);
    else changeChunk(tx, id, record, this.#deleted(record, nowMs));
  }

  #deleted(record: ChunkRecord, nowMs: number): ChunkRecord {
    return deletedChunk(record, nowMs, this.#parts.settings.receiptLifeMs);
  }
}

// Sorts before every chunk id.
const NO_CHUNK = "0".repeat(64) as ChunkId;

function dueChunks(reader: KvReader, nowMs: number, limit: number) {
  return garbageChunks.page(reader, { before: [nowMs + 1, NO_CHUNK], limit });
}
