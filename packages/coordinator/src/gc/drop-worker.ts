import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvReader, KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { changeChunk, deletedChunk } from "../chunks/change-chunk.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { liveCopies } from "../chunks/replicas.ts";
import { chunks, drops } from "../keyspace.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import type { ChunkDeleter } from "./chunk-deleter.ts";
import { IDLE_PAUSE_MS } from "./pause-until.ts";

const PAGE_ROWS = 1_000;
const NODES_AT_ONCE = 8;
/** A node that could not be reached, or kept something in a round, is asked again after this. */
const RETRY_PAUSE_MS = 30_000;

export interface DropParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly deleter: ChunkDeleter;
  readonly isLive: (nodeNumber: number) => boolean;
  /** Hears of nodes that keep copies after all, which their chunks may need. */
  readonly onKept?: (nodeNumber: number) => void;
  readonly logger: Logger;
  readonly settings: Pick<NamespaceSettings, "receiptLifeMs">;
}

interface DropBatch {
  readonly nodeNumber: number;
  readonly epochMax: number;
  readonly chunkIds: readonly ChunkId[];
}

/** What is next for a node, never empty. */
interface DropPage {
  readonly nodeNumber: number;
  readonly rows: readonly { readonly id: ChunkId; readonly epochMax: number }[];
}

/** How far a node has been asked on the way through its drops. */
interface Round {
  /** All up to this one had their turn. */
  readonly after: ChunkId;
  /** Whether the node kept something since it last rested. */
  readonly hasKept: boolean;
}

/**
 * Has nodes delete the copies that were decided on, node by node in batches of one epoch, until each has said
 * that it is done. Asking twice does no harm; a node that is away is asked again when it is back. What a node cannot
 * delete holds up nothing else: it is asked round and round, and each drop has its turn in each round. So has each node,
 * however much others have to delete. A copy of a chunk that has too few by now stays: what was decided while it had enough is
 * withdrawn, and the copy may be taken back in.
 */
export class DropWorker implements Worker {
  readonly name = "drops";
  readonly #parts: DropParts;
  /** Until when nodes are left alone, by the time that never jumps; one entry for each node with drops. */
  readonly #restUntilMs = new Map<number, number>();
  /** The rounds that are under way; at most one entry for each node. */
  readonly #rounds = new Map<number, Round>();
  /** Where the next look for nodes begins: behind the last that had its turn. */
  #nextNumber = 0;

  constructor(parts: DropParts) {
    this.#parts = parts;
  }

  /** The node has come back, or is none any more: what it could not be told before it is told now. Somebody must wake the worker. */
  noteNode(nodeNumber: number): void {
    this.#restUntilMs.delete(nodeNumber);
  }

  async step(signal: AbortSignal): Promise<Step> {
    const pages = await this.#nextPages();
    await Promise.all(pages.map((page) => this.#send(page, signal)));
    return pages.length > 0 ? "again" : { pauseMs: IDLE_PAUSE_MS };
  }

  /** One page for each of some nodes that are not at rest, those whose last turn is longest ago first. */
  async #nextPages(): Promise<DropPage[]> {
    const pages: DropPage[] = [];
    const start = this.#nextNumber;
    await this.#parts.kv.read(async (reader) => {
      await this.#addPages(reader, pages, { from: start, before: NODE_NUMBERS_END });
      await this.#addPages(reader, pages, { from: 0, before: start });
    });
    this.#nextNumber = (pages.at(-1)?.nodeNumber ?? -1) + 1;
    return pages;
  }

  async #addPages(
    reader: KvReader,
    pages: DropPage[],
    { from, before }: { readonly from: number; readonly before: number },
  ): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    let nodeNumber = from;
    while (pages.length < NODES_AT_ONCE && nodeNumber < before) {
      const first = await drops.first(reader, { from: [nodeNumber, FIRST_CHUNK] });
      if (first === undefined || first.key[0] >= before) return;
      nodeNumber = first.key[0];
      if ((this.#restUntilMs.get(nodeNumber) ?? 0) <= nowMs) {
        this.#restUntilMs.delete(nodeNumber);
        const rows = await this.#nextRows(reader, nodeNumber);
        if (rows.length > 0) pages.push({ nodeNumber, rows });
      }
      nodeNumber += 1;
    }
  }

  /** The rows whose turn it is; none when the round is over and the node is left alone for a while. */
  async #nextRows(reader: KvReader, nodeNumber: number): Promise<DropPage["rows"]> {
    const round = this.#rounds.get(nodeNumber);
    const page = { within: [nodeNumber], limit: PAGE_ROWS } as const;
    let rows = await drops.page(
      reader,
      round === undefined ? page : { ...page, after: [nodeNumber, round.after] },
    );
    if (rows.length === 0 && round !== undefined) {
      this.#endRound(nodeNumber, round.hasKept);
      if (round.hasKept) return [];
      rows = await drops.page(reader, page);
    }
    return rows.map(({ key, value }) => ({ id: key[1], epochMax: value }));
  }

  async #send({ nodeNumber, rows }: DropPage, signal: AbortSignal): Promise<void> {
    let hasKept = this.#rounds.get(nodeNumber)?.hasKept ?? false;
    const withdrawn = await this.#withdraw(nodeNumber, rows);
    const wanted = rows.filter(({ id }) => !withdrawn.has(id));
    for (const [epochMax, chunkIds] of byEpoch(wanted)) {
      const gone = await this.#sendBatch({ nodeNumber, epochMax, chunkIds }, signal);
      if (gone === undefined) {
        this.#rest(nodeNumber);
        const [after] = chunkIds;
        // What comes before the first of this batch was in earlier ones. It too has had its turn: were the batch at fault, others go on.
        if (after !== undefined) this.#rounds.set(nodeNumber, { after, hasKept: false });
        return;
      }
      hasKept ||= gone < chunkIds.length;
    }
    const after = rows.at(-1)?.id;
    if (after === undefined || rows.length < PAGE_ROWS) this.#endRound(nodeNumber, hasKept);
    else this.#rounds.set(nodeNumber, { after, hasKept });
  }

  /** Takes back what would leave a chunk with fewer copies than it has, where those are too few; gives which chunks these are. */
  async #withdraw(nodeNumber: number, rows: DropPage["rows"]): Promise<ReadonlySet<ChunkId>> {
    const { kv, logger } = this.#parts;
    const isOwed = (record: ChunkRecord | undefined) => this.#isOwed(record, nodeNumber);
    const ids = rows.map(({ id }) => id);
    const records = await kv.read((reader) => chunks.getMany(reader, ids));
    const owed = ids.filter((_, at) => isOwed(records[at]));
    if (owed.length === 0) return NO_CHUNKS;
    const withdrawn = await kv.transact(async (tx) => {
      const found = await chunks.getMany(tx, owed);
      const still = owed.filter((_, at) => isOwed(found[at]));
      for (const id of still) drops.delete(tx, [nodeNumber, id]);
      return new Set(still);
    });
    logger.info("copies are kept that were to be deleted: their chunks have too few", {
      nodeNumber,
      chunks: withdrawn.size,
    });
    this.#parts.onKept?.(nodeNumber);
    return withdrawn;
  }

  /** Whether the chunk has too few copies, and this node's is none of those that count. */
  #isOwed(record: ChunkRecord | undefined, nodeNumber: number): boolean {
    if (record?.state !== "live" || record.nodeNumbers.includes(nodeNumber)) return false;
    return liveCopies(record, this.#parts.isLive) < record.wantedCopies;
  }

  /** How many the node says are gone; undefined when it could not be told. */
  async #sendBatch(batch: DropBatch, signal: AbortSignal): Promise<number | undefined> {
    const { kv, clock, deleter, logger } = this.#parts;
    const { nodeNumber, epochMax, chunkIds } = batch;
    try {
      const gone = await deleter.deleteChunks(batch, signal);
      const done = chunkIds.filter((_, at) => gone[at] === true);
      await kv.transact(async (tx) => {
        await this.#confirm(tx, { nodeNumber, epochMax, chunkIds: done }, nowMsOf(clock));
      });
      return done.length;
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      logger.info("a node could not be told to delete chunks", {
        nodeNumber,
        chunks: chunkIds.length,
        reason: error.reason,
      });
      return undefined;
    }
  }

  #endRound(nodeNumber: number, hasKept: boolean): void {
    this.#rounds.delete(nodeNumber);
    if (hasKept) this.#rest(nodeNumber);
  }

  #rest(nodeNumber: number): void {
    this.#restUntilMs.set(nodeNumber, this.#parts.clock.monotonicMs() + RETRY_PAUSE_MS);
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

/** The ids of each epoch, the epochs in the order in which they come up. */
function byEpoch(rows: DropPage["rows"]): Map<number, ChunkId[]> {
  const batches = new Map<number, ChunkId[]>();
  for (const { id, epochMax } of rows) {
    const batch = batches.get(epochMax);
    if (batch === undefined) batches.set(epochMax, [id]);
    else batch.push(id);
  }
  return batches;
}

const NO_CHUNKS: ReadonlySet<ChunkId> = new Set();
const NODE_NUMBERS_END = 2 ** 32;
// Sorts before every chunk id.
const FIRST_CHUNK = "0".repeat(64) as ChunkId;
