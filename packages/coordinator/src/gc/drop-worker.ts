import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { changeChunk, deletedChunk } from "../chunks/change-chunk.ts";
import { chunks, drops } from "../keyspace.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import type { ChunkDeleter } from "./chunk-deleter.ts";

const BATCH_CHUNKS = 1_000;
const NODES_AT_ONCE = 8;
const IDLE_PAUSE_MS = 1_000;
/** A node that could not be reached, or kept something, is asked again after this. */
const RETRY_PAUSE_MS = 30_000;

export interface DropParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly deleter: ChunkDeleter;
  readonly logger: Logger;
  readonly settings: Pick<NamespaceSettings, "receiptLifeMs">;
}

interface DropBatch {
  readonly nodeNumber: number;
  readonly epochMax: number;
  readonly chunkIds: readonly ChunkId[];
}

/**
 * Has nodes delete the copies that were decided on, node by node in batches of one epoch, until each has said
 * that it is done. Asking twice does no harm; a node that is away is asked again when it is back.
 */
export class DropWorker implements Worker {
  readonly name = "drops";
  readonly #parts: DropParts;
  /** Until when nodes are left alone; one entry for each node with drops. */
  readonly #restUntilMs = new Map<number, number>();

  constructor(parts: DropParts) {
    this.#parts = parts;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const batches = await this.#nextBatches();
    await Promise.all(batches.map((batch) => this.#send(batch, signal)));
    return batches.length > 0 ? "again" : { pauseMs: IDLE_PAUSE_MS };
  }

  /** One batch for each of some nodes that are not at rest. */
  async #nextBatches(): Promise<DropBatch[]> {
    const { kv, clock } = this.#parts;
    const nowMs = nowMsOf(clock);
    const batches: DropBatch[] = [];
    await kv.read(async (reader) => {
      for (let nodeNumber = 0; batches.length < NODES_AT_ONCE; nodeNumber += 1) {
        const first = await drops.first(reader, { from: [nodeNumber, FIRST_CHUNK] });
        if (first === undefined) return;
        nodeNumber = first.key[0];
        if ((this.#restUntilMs.get(nodeNumber) ?? 0) > nowMs) continue;
        this.#restUntilMs.delete(nodeNumber);
        const rows = await drops.page(reader, { within: [nodeNumber], limit: BATCH_CHUNKS });
        const ofOneEpoch = rows.filter((row) => row.value === first.value);
        const chunkIds = ofOneEpoch.map((row) => row.key[1]);
        batches.push({ nodeNumber, epochMax: first.value, chunkIds });
      }
    });
    return batches;
  }

  async #send(batch: DropBatch, signal: AbortSignal): Promise<void> {
    const { kv, clock, deleter, logger } = this.#parts;
    const { nodeNumber, epochMax, chunkIds } = batch;
    try {
      const gone = await deleter.deleteChunks(batch, signal);
      const done = chunkIds.filter((_, at) => gone[at] === true);
      if (done.length < chunkIds.length) this.#rest(nodeNumber);
      await kv.transact(async (tx) => {
        await this.#confirm(tx, { nodeNumber, epochMax, chunkIds: done }, nowMsOf(clock));
      });
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      this.#rest(nodeNumber);
      logger.info("a node could not be told to delete chunks", {
        nodeNumber,
        chunks: chunkIds.length,
        reason: error.reason,
      });
    }
  }

  #rest(nodeNumber: number): void {
    this.#restUntilMs.set(nodeNumber, nowMsOf(this.#parts.clock) + RETRY_PAUSE_MS);
  }

  async #confirm(tx: KvTransaction, batch: DropBatch, nowMs: number): Promise<void> {
    const { nodeNumber, epochMax, chunkIds } = batch;
    const epochs = await drops.getMany(
      tx,
      chunkIds.map((id) => [nodeNumber, id] as const),
    );
    const records = await chunks.getMany(tx, chunkIds);
    for (const [at, id] of chunkIds.entries()) {
      // Decided anew in a later epoch since: the node has to be asked again.
      if (epochs[at] !== epochMax) continue;
      drops.delete(tx, [nodeNumber, id]);
      const record = records[at];
      // Live again under receipts of a later epoch: who holds it now is another matter.
      if (record?.state !== "deleting" || record.deleteEpoch > epochMax) continue;
      const nodeNumbers = record.nodeNumbers.filter((number) => number !== nodeNumber);
      const { receiptLifeMs } = this.#parts.settings;
      const after =
        nodeNumbers.length > 0
          ? { ...record, nodeNumbers }
          : deletedChunk(record, nowMs, receiptLifeMs);
      changeChunk(tx, id, record, after);
    }
  }
}

// Sorts before every chunk id.
const FIRST_CHUNK = "0".repeat(64) as ChunkId;
