import { present } from "@cairnfs/base/assert";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import { addDrop, hasSurplus, liveCopies } from "../chunks/replicas.ts";
import type { ReplicaReadmission } from "../healing/replica-readmission.ts";
import { chunks } from "../keyspace.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import { readHorizon } from "../single-values.ts";
import type { PlacementSource } from "../uploads/placements.ts";
import type { ChunkInventory, StoredCopy } from "./chunk-inventory.ts";
import { InventoryWindow, isKept } from "./inventory-window.ts";

const PAGE_ROWS = 1_000;
const PAGE_COPIES_MAX = 1_000;
/** A page of copies is asked for with some room for those that no record names. */
const PAGE_COPIES_SPARE = 64;
/** At most 10,000 records or copies a second are compared, */
const PAUSE_MS_PER_ROW = 0.1;
/** and at most 200 nodes a second are asked. */
const PAUSE_MS_MIN = 5;
/** So long it sleeps at most when no node is due sooner. */
const IDLE_PAUSE_MS = 3_600_000;
const RETRY_PAUSE_MS = 60_000;

export interface InventoryParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly inventory: ChunkInventory;
  readonly nodes: Pick<PlacementSource, "leaverOf" | "isLive">;
  readonly badReplicas: Pick<BadReplicaWorker, "report">;
  readonly readmission: Pick<ReplicaReadmission, "admit">;
  /** Hears of chunks with copies too many. */
  readonly onSurplus: () => void;
  /** Hears of copies that no record names, and that the horizon has not passed. */
  readonly onUnnamed?: () => void;
  readonly settings: Pick<NamespaceSettings, "inventoryIntervalMs">;
}

/** What came of comparing a node. */
export interface Comparison {
  readonly startedMs: number;
  /** Copies that were recorded and that the node did not list. */
  readonly missingCopies: number;
}

/** One walk over all records, for the nodes that were due when it began. */
interface Round {
  readonly startedMs: number;
  /** How many copies were recorded and not listed, by node. */
  readonly missing: Map<number, number>;
  /** Who is still in it: a node that fails leaves, and is due again soon. */
  readonly nodeNumbers: Set<number>;
  window: InventoryWindow;
  /** Who was not compared with all of the window, the first being asked, up to `after`. */
  readonly asking: number[];
  after: ChunkId | undefined;
}

/**
 * Compares what nodes hold with what the records say, again and again: one walk over the records serves all nodes
 * that are due, window by window. A copy that no record names and, being of an epoch up to the horizon, none ever
 * will, is to be deleted; where the chunk has too few copies it is taken back in. A copy that a record names and the node does not list is reported, which has the
 * node look for it. Copies beyond the wanted ones are told of.
 */
export class InventoryWorker implements Worker {
  readonly name = "inventories";
  readonly #parts: InventoryParts;
  /** When each node that can be asked is compared again, by the time that never jumps; one that is not in here, at once. */
  readonly #dueMs = new Map<number, number>();
  /** What the last round found that compared each of them. */
  readonly #compared = new Map<number, Comparison>();
  /** Who is to be compared by a round that begins after the one that is under way, and since when. */
  readonly #asked = new Map<number, number>();
  #round: Round | undefined;

  constructor(parts: InventoryParts) {
    this.#parts = parts;
  }

  async step(signal: AbortSignal): Promise<Step> {
    this.#round ??= this.#nextRound();
    const round = this.#round;
    if (round === undefined) return { pauseMs: this.#pauseMs() };
    const { window } = round;
    const compared = window.isFull ? await this.#askNext(round, signal) : await this.#readOn(round);
    if (window.isFull && round.asking.length === 0) this.#endWindow(round);
    return { pauseMs: Math.max(PAUSE_MS_MIN, compared * PAUSE_MS_PER_ROW) };
  }

  /** Has nodes compared by a round that begins now or later, at `askedMs` or after it. Somebody must wake the worker. */
  compareSoon(nodeNumbers: readonly number[], askedMs: number): void {
    for (const nodeNumber of nodeNumbers) {
      this.#dueMs.delete(nodeNumber);
      this.#asked.set(nodeNumber, askedMs);
    }
  }

  /** The comparison that was finished last; undefined when there was none. */
  lastOf(nodeNumber: number): Comparison | undefined {
    return this.#compared.get(nodeNumber);
  }

  /** Until the next node is due. */
  #pauseMs(): number {
    const nowMs = this.#parts.clock.monotonicMs();
    let pauseMs = IDLE_PAUSE_MS;
    for (const dueMs of this.#dueMs.values()) pauseMs = Math.min(pauseMs, dueMs - nowMs);
    return Math.max(PAUSE_MS_MIN, pauseMs);
  }

  /** A round for all nodes that are due. */
  #nextRound(): Round | undefined {
    const { clock, inventory } = this.#parts;
    const nodeNumbers = new Set(inventory.nodeNumbers());
    for (const known of this.#dueMs.keys()) {
      if (!nodeNumbers.has(known)) this.#dueMs.delete(known);
    }
    for (const known of this.#compared.keys()) {
      if (!nodeNumbers.has(known)) this.#compared.delete(known);
    }
    const nowMs = clock.monotonicMs();
    for (const nodeNumber of nodeNumbers) {
      if ((this.#dueMs.get(nodeNumber) ?? nowMs) > nowMs) nodeNumbers.delete(nodeNumber);
    }
    if (nodeNumbers.size === 0) return undefined;
    let startedMs = Math.floor(clock.now());
    for (const nodeNumber of nodeNumbers) {
      startedMs = Math.max(startedMs, this.#asked.get(nodeNumber) ?? 0);
      this.#asked.delete(nodeNumber);
    }
    return {
      startedMs,
      missing: new Map(),
      nodeNumbers,
      window: new InventoryWindow(undefined, nodeNumbers),
      asking: [...nodeNumbers],
      after: undefined,
    };
  }

  /** The next window, or the end of the round when that was the last. */
  #endWindow(round: Round): void {
    const { end } = round.window;
    if (end !== undefined && round.nodeNumbers.size > 0) {
      round.window = new InventoryWindow(end, round.nodeNumbers);
      round.asking.push(...round.nodeNumbers);
      round.after = end;
      return;
    }
    const { clock, settings } = this.#parts;
    const dueMs = clock.monotonicMs() + settings.inventoryIntervalMs;
    for (const nodeNumber of round.nodeNumbers) {
      const missingCopies = round.missing.get(nodeNumber) ?? 0;
      this.#compared.set(nodeNumber, { startedMs: round.startedMs, missingCopies });
      if (!this.#asked.has(nodeNumber)) this.#dueMs.set(nodeNumber, dueMs);
    }
    this.#round = undefined;
  }

  /** Reads some records into the window; gives how many. */
  async #readOn(round: Round): Promise<number> {
    const { kv, nodes, onSurplus } = this.#parts;
    const rows = await kv.read((reader) => round.window.extend(reader, PAGE_ROWS));
    if (rows.some(({ value }) => hasSurplus(value, nodes))) onSurplus();
    return rows.length;
  }

  /** Compares one page of the node whose turn it is; gives how many copies that were. */
  async #askNext(round: Round, signal: AbortSignal): Promise<number> {
    const { clock, logger } = this.#parts;
    const nodeNumber = present(round.asking[0], "a window without anybody to ask has ended");
    try {
      const { after, compared } = await this.#compare(nodeNumber, round, signal);
      if (after === "end") this.#endAsking(round);
      else round.after = after;
      return compared;
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      round.nodeNumbers.delete(nodeNumber);
      this.#dueMs.set(nodeNumber, clock.monotonicMs() + RETRY_PAUSE_MS);
      this.#endAsking(round);
      logger.info("the inventory of a node could not be compared", {
        nodeNumber,
        reason: error.reason,
      });
      return 0;
    }
  }

  #endAsking(round: Round): void {
    round.asking.shift();
    round.after = round.window.after;
  }

  async #compare(
    nodeNumber: number,
    { window, after, missing: counts }: Round,
    signal: AbortSignal,
  ): Promise<{ readonly after: ChunkId | undefined | "end"; readonly compared: number }> {
    const named = window.namedOf(nodeNumber, after, window.end);
    const limit = Math.min(PAGE_COPIES_MAX, named.length + PAGE_COPIES_SPARE);
    const copies = await this.#parts.inventory.list({ nodeNumber, after, limit }, signal);
    const last = copies.at(limit - 1)?.chunkId;
    // A full page says nothing of what comes after its last id.
    const isAll = last === undefined || (window.end !== undefined && last >= window.end);
    const end = isAll ? window.end : last;
    const within = end === undefined ? copies : copies.filter((copy) => copy.chunkId <= end);
    const listed = new Set(within.map((copy) => copy.chunkId));

    const expected = isAll ? named : window.namedOf(nodeNumber, after, end);
    const missing = expected.filter((id) => !listed.has(id));
    // Too many are waiting: the same page again, when some have been looked at.
    const reported = await this.#reportMissing(nodeNumber, missing);
    if (reported === undefined) return { after, compared: limit };
    counts.set(nodeNumber, (counts.get(nodeNumber) ?? 0) + reported);
    const known = new Set(expected);
    const unknown = within.filter((copy) => !known.has(copy.chunkId));
    if (unknown.length > 0) {
      this.#parts.onUnnamed?.();
      const ids = unknown.map((copy) => copy.chunkId);
      await this.#parts.readmission.admit(nodeNumber, ids, signal);
      await this.#dropOrphans(nodeNumber, unknown, signal);
    }
    return { after: isAll ? "end" : end, compared: copies.length };
  }

  /** How many are still recorded and were reported; undefined when not all could be. */
  async #reportMissing(nodeNumber: number, ids: readonly ChunkId[]): Promise<number | undefined> {
    if (ids.length === 0) return 0;
    const { kv, badReplicas } = this.#parts;
    // The records may have changed since the window was read.
    const records = await kv.read((reader) => chunks.getMany(reader, ids));
    const named = ids.filter((_, at) => {
      const record = records[at];
      return record !== undefined && isKept(record) && record.nodeNumbers.includes(nodeNumber);
    });
    const areAllTaken = named.every((chunkId) => badReplicas.report({ chunkId, nodeNumber }));
    return areAllTaken ? named.length : undefined;
  }

  async #dropOrphans(
    nodeNumber: number,
    copies: readonly StoredCopy[],
    signal: AbortSignal,
  ): Promise<void> {
    const { kv, logger } = this.#parts;
    const isLive = (number: number) => this.#parts.nodes.isLive(number);
    const find = (reader: KvReader) => findOrphans(reader, nodeNumber, copies, isLive);
    if ((await kv.read(find)).ids.length === 0) return;
    const { ids } = await kv.transact(
      async (tx) => {
        const found = await find(tx);
        for (const id of found.ids) await addDrop(tx, id, nodeNumber, found.horizon);
        return found;
      },
      { signal },
    );
    logger.info("a node holds copies that no record names", { nodeNumber, chunks: ids.length });
  }
}

/**
 * Copies that no record names and none ever will, since every receipt for them is void. While the chunk has too few
 * copies its last bytes may be in one of these: they stay.
 */
async function findOrphans(
  reader: KvReader,
  nodeNumber: number,
  copies: readonly StoredCopy[],
  isLive: (nodeNumber: number) => boolean,
): Promise<{ readonly ids: readonly ChunkId[]; readonly horizon: number }> {
  const horizon = await readHorizon(reader);
  const old = copies.filter((copy) => copy.epoch <= horizon).map((copy) => copy.chunkId);
  const records = await chunks.getMany(reader, old);
  const ids = old.filter((_, at) => {
    const record = records[at];
    if (record === undefined) return true;
    if (record.nodeNumbers.includes(nodeNumber)) return false;
    return !isKept(record) || liveCopies(record, isLive) >= record.wantedCopies;
  });
  return { ids, horizon };
}
