import { Bell } from "@cairnfs/base/bell";
import type { Clock } from "@cairnfs/base/clock";
import type { Logger } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { changeChunk } from "../chunks/change-chunk.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { Lap } from "../chunks/lap.ts";
import { type CountedNodes, fitToNodes } from "../chunks/replicas.ts";
import { chunks } from "../keyspace.ts";
import type { Absences } from "./absences.ts";
import { putLedgerState } from "./ledger-state.ts";

export interface LedgerWalkParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly absences: Pick<Absences, "dead">;
  readonly nodes: CountedNodes;
  /** Whether a record has a copy too many that could go. */
  readonly isSurplus: (record: ChunkRecord) => boolean;
  /** Hears that there may be debt that was not there before. */
  readonly onDebt: () => void;
  /** Hears, at the end of a walk, that it has met surplus copies. */
  readonly onSurplus: () => void;
}

/** Whether the ledger is exact, and else how far the walk has come that makes it so. */
export interface LedgerProgress {
  readonly isExact: boolean;
  /** Since when it is exact, or when the change of nodes came that it does not wholly show yet. */
  readonly sinceMs: number;
  /** From 0 to 1, of the walk. */
  readonly share: number;
}

const PAGE_ROWS = 1000;
/** So many records are put right in one transaction: it keeps others waiting for milliseconds. */
const CHANGES_MAX = 200;
/** Nodes die and come back in crowds: the walk begins when those have had a moment. */
const GATHER_MS = 50;
const IDLE_MS = 3_600_000;

/**
 * Keeps the ledger of debt exact when nodes die, come back or are removed: walks once over all records and puts right
 * those that stand under another number of copies than are live, or name nodes that are no members any more.
 * An event during a walk makes it go on until it has been everywhere since. Without events it sleeps.
 */
export class LedgerWalk implements Worker {
  readonly name = "ledger";
  readonly #parts: LedgerWalkParts;
  readonly #bell: Bell;
  readonly #lap = new Lap();
  /** Counts what makes a walk necessary. */
  #events = 0;
  /** The events that the store knows of; a walk begins behind them. */
  #keptEvents = 0;
  /** The events that a whole lap has seen. */
  #walkedEvents = 0;
  #sinceMs: number;
  #changed = 0;
  #hasSurplus = false;

  /** With `isPending` the walk that the last coordinator did not end begins at once. */
  constructor(parts: LedgerWalkParts, isPending: boolean) {
    this.#parts = parts;
    this.#bell = new Bell(parts.clock);
    this.#sinceMs = Math.floor(parts.clock.now());
    if (isPending || parts.absences.dead().size > 0) this.begin();
  }

  get progress(): LedgerProgress {
    const isExact = this.#walkedEvents === this.#events;
    const share = isExact ? 1 : this.#keptEvents === this.#events ? this.#lap.share : 0;
    return { isExact, sinceMs: this.#sinceMs, share };
  }

  /** Copies count, or do not, that did otherwise before. */
  begin(): void {
    if (this.#walkedEvents === this.#events) this.#sinceMs = Math.floor(this.#parts.clock.now());
    this.#events += 1;
    this.#bell.ring();
  }

  async step(signal: AbortSignal): Promise<Step> {
    if (this.#walkedEvents === this.#events) {
      await this.#bell.wait(IDLE_MS, signal);
      return { pauseMs: GATHER_MS };
    }
    if (this.#keptEvents !== this.#events) {
      await this.#keepEvents(signal);
      return "again";
    }
    await this.#walkOn(signal);
    if (this.#lap.isOver && this.#keptEvents === this.#events) await this.#end(signal);
    return "again";
  }

  /**
   * Writes down that a walk is due, and begins it anew. Whoever counted copies in a transaction before has
   * committed when this one has, so that the walk sees what they made of it.
   */
  async #keepEvents(signal: AbortSignal): Promise<void> {
    const events = this.#events;
    const { kv, absences } = this.#parts;
    const deadSinceMs = absences.dead();
    await kv.transact((tx) => putLedgerState(tx, { isWalkPending: true, deadSinceMs }), { signal });
    this.#keptEvents = events;
    this.#lap.begin();
  }

  async #walkOn(signal: AbortSignal): Promise<void> {
    const { kv, nodes, isSurplus, onDebt } = this.#parts;
    const { after } = this.#lap;
    const limit = PAGE_ROWS;
    const rows = await kv.read((reader) =>
      chunks.page(reader, after === undefined ? { limit } : { after, limit }),
    );
    const unfit: ChunkId[] = [];
    for (const { key, value } of rows) {
      const fitting = fitToNodes(value, nodes);
      if (fitting !== value) unfit.push(key);
      this.#hasSurplus ||= isSurplus(fitting);
    }
    for (let at = 0; at < unfit.length; at += CHANGES_MAX) {
      const some = unfit.slice(at, at + CHANGES_MAX);
      this.#changed += await kv.transact((tx) => this.#putRight(tx, some), { signal });
    }
    if (unfit.length > 0) onDebt();
    this.#lap.advance(rows.at(-1)?.key, rows.length < limit);
  }

  async #putRight(tx: KvTransaction, ids: readonly ChunkId[]): Promise<number> {
    const records = await chunks.getMany(tx, ids);
    let changed = 0;
    for (const [at, id] of ids.entries()) {
      const record = records[at];
      const fitting = record === undefined ? undefined : fitToNodes(record, this.#parts.nodes);
      if (fitting === record) continue;
      changeChunk(tx, id, record, fitting);
      changed += 1;
    }
    return changed;
  }

  async #end(signal: AbortSignal): Promise<void> {
    const { kv, absences, clock, logger, onDebt, onSurplus } = this.#parts;
    const events = this.#keptEvents;
    const deadSinceMs = absences.dead();
    await kv.transact((tx) => putLedgerState(tx, { isWalkPending: false, deadSinceMs }), {
      signal,
    });
    this.#walkedEvents = events;
    // One that came during the commit: the row is written anew before the next walk.
    if (events !== this.#events) return;
    const nowMs = Math.floor(clock.now());
    logger.info("the ledger of debt is exact again", {
      tookMs: nowMs - this.#sinceMs,
      changedChunks: this.#changed,
    });
    this.#sinceMs = nowMs;
    this.#changed = 0;
    onDebt();
    if (this.#hasSurplus) onSurplus();
    this.#hasSurplus = false;
  }
}
