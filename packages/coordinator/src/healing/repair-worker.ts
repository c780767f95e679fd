import { backoffMs } from "@cairnfs/base/backoff";
import { Bell } from "@cairnfs/base/bell";
import { ByteBudget } from "@cairnfs/base/byte-budget";
import type { Clock } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import type { Metrics } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { chunks, debts } from "../keyspace.ts";
import type { ChunkRepairer, RepairOutcome } from "./chunk-repairer.ts";

export interface RepairWorkerParts {
  readonly kv: KvStore;
  readonly repairer: ChunkRepairer;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

export interface RepairWorkerOptions {
  /** How many chunks are copied at once; 0 turns repair off. */
  readonly parallelism: number;
  readonly inFlightBytes: number;
}

/** A chunk whose copy failed: when to try again, and who has failed. */
interface Setback {
  readonly failures: number;
  readonly notBeforeMs: number;
  readonly targets: ReadonlySet<number>;
}

const PAGE_ROWS = 128;
/** After so many rows a pass that gets on starts anew, since worse cases may have come in front. */
const PASS_ROWS = 1024;
const SETBACKS_MAX = 10_000;
const SETBACK_PAUSE = { baseMs: 1000, capMs: 300_000 };
/** Between passes that could do nothing. */
const PASS_PAUSE = { baseMs: 500, capMs: 60_000 };
/** So often the ledger is looked at when nobody has called. */
const IDLE_MS = 30_000;

/**
 * Works off the debt, chunks with the fewest copies first, as many at once and as many bytes as allowed. Sleeps while there
 * is no debt; `wake` says that there may be some, or that nodes have come or gone.
 */
export class RepairWorker implements Worker {
  readonly name = "repair";
  readonly #parts: RepairWorkerParts;
  readonly #options: RepairWorkerOptions;
  readonly #budget: ByteBudget;
  readonly #bell: Bell;
  readonly #running = new Map<ChunkId, Promise<void>>();
  readonly #setbacks = new Map<ChunkId, Setback>();
  readonly #copies;
  readonly #copiedBytes;
  #cursor: readonly [number, ChunkId] | undefined;
  #passRows = 0;
  #hasProgress = false;
  #fruitlessPasses = 0;
  #thrown: { readonly error: unknown } | undefined;

  constructor(parts: RepairWorkerParts, options: RepairWorkerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#budget = new ByteBudget(options.inFlightBytes);
    this.#bell = new Bell(parts.clock);
    this.#copies = parts.metrics.counter(
      "cairn_repair_attempts_total",
      "Attempts to pay for a chunk with too few copies, by how they ended.",
      ["outcome"],
    );
    this.#copiedBytes = parts.metrics.counter(
      "cairn_repair_copied_bytes_total",
      "Bytes of chunks that repair has copied.",
    );
  }

  /** Something happened that may have made debt, or a way to pay it. */
  wake(): void {
    this.#fruitlessPasses = 0;
    this.#bell.ring();
  }

  /** New debt may be there; a pass that found nothing to do lately is not repeated early for it. */
  wakeForDebt(): void {
    if (this.#fruitlessPasses === 0) this.#bell.ring();
  }

  async step(signal: AbortSignal): Promise<Step> {
    this.#rethrow();
    if (this.#options.parallelism === 0) return "done";
    if (this.#running.size >= this.#options.parallelism) {
      await Promise.race(this.#running.values());
      return "again";
    }
    const rows = await this.#parts.kv.read((reader) =>
      debts.page(reader, {
        limit: PAGE_ROWS,
        ...(this.#cursor === undefined ? {} : { after: this.#cursor }),
      }),
    );
    for (const { key } of rows) {
      if (this.#running.size >= this.#options.parallelism) return "again";
      this.#cursor = key;
      this.#passRows += 1;
      if (this.#isStartable(key[1])) await this.#start(key[1], signal);
    }
    const isOver = rows.length < PAGE_ROWS || (this.#hasProgress && this.#passRows >= PASS_ROWS);
    return isOver ? this.#endPass(signal) : "again";
  }

  /** Resolves when no copy is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #endPass(signal: AbortSignal): Promise<Step> {
    await this.settled();
    this.#rethrow();
    const hadRows = this.#passRows > 0;
    const hadProgress = this.#hasProgress;
    this.#cursor = undefined;
    this.#passRows = 0;
    this.#hasProgress = false;
    if (hadProgress) {
      this.#fruitlessPasses = 0;
      return "again";
    }
    if (!hadRows) {
      this.#fruitlessPasses = 0;
      this.#setbacks.clear();
      await this.#bell.wait(IDLE_MS, signal);
      // Those who call in crowds are heard together.
      return { pauseMs: 100 };
    }
    this.#fruitlessPasses += 1;
    await this.#bell.wait(backoffMs(this.#fruitlessPasses, PASS_PAUSE, this.#parts.random), signal);
    return "again";
  }

  #isStartable(id: ChunkId): boolean {
    if (this.#running.has(id)) return false;
    const setback = this.#setbacks.get(id);
    return setback === undefined || setback.notBeforeMs <= this.#parts.clock.monotonicMs();
  }

  async #start(id: ChunkId, signal: AbortSignal): Promise<void> {
    const record = await this.#parts.kv.read((reader) => chunks.get(reader, id));
    const release = await this.#budget.take(record?.lengthBytes ?? 0, signal);
    const excluded = this.#setbacks.get(id)?.targets ?? new Set<number>();
    const running = this.#parts.repairer
      .repair(id, excluded, signal)
      .then(
        (outcome) => this.#note(id, outcome),
        (error: unknown) => {
          // The next step throws it, where `runWorker` hears it.
          this.#thrown = { error };
        },
      )
      .finally(() => {
        release();
        this.#running.delete(id);
      });
    this.#running.set(id, running);
  }

  #note(id: ChunkId, outcome: RepairOutcome): void {
    this.#copies.add(1, { outcome: outcome.kind });
    if (outcome.kind === "failed") {
      this.#setBack(id, outcome.target);
      return;
    }
    this.#setbacks.delete(id);
    if (outcome.kind !== "progress") return;
    this.#hasProgress = true;
    this.#copiedBytes.add(outcome.copiedBytes);
  }

  #setBack(id: ChunkId, target: number): void {
    const before = this.#setbacks.get(id);
    const failures = (before?.failures ?? 0) + 1;
    const { clock, random } = this.#parts;
    // A node that failed is passed over for a while, not for ever: every few failures all get another chance.
    const targets = failures % 4 === 0 ? new Set<number>() : new Set(before?.targets).add(target);
    this.#setbacks.delete(id);
    this.#setbacks.set(id, {
      failures,
      notBeforeMs: clock.monotonicMs() + backoffMs(failures, SETBACK_PAUSE, random),
      targets,
    });
    const [oldest] = this.#setbacks.keys();
    if (this.#setbacks.size > SETBACKS_MAX && oldest !== undefined) this.#setbacks.delete(oldest);
  }

  #rethrow(): void {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown !== undefined) throw thrown.error;
  }
}
