import { backoffMs } from "@cairnfs/base/backoff";
import { Bell } from "@cairnfs/base/bell";
import { ByteBudget } from "@cairnfs/base/byte-budget";
import type { Clock, Timer } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import type { Metrics } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { liveCopies } from "../chunks/replicas.ts";
import { readCounters } from "../counters.ts";
import { chunks, debts } from "../keyspace.ts";
import { RateMeter } from "../rate-meter.ts";
import type { ChunkRepairer, RepairOutcome } from "./chunk-repairer.ts";
import { RepairPass } from "./repair-pass.ts";
import type { RepairPlan } from "./repair-plan.ts";
import { Setbacks } from "./setbacks.ts";

export interface RepairWorkerParts {
  readonly kv: KvStore;
  readonly repairer: Pick<ChunkRepairer, "repair">;
  /** What is to be done for a chunk now. */
  readonly plan: (record: ChunkRecord | undefined) => RepairPlan;
  readonly isLive: (nodeNumber: number) => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

export interface RepairWorkerOptions {
  /** How many chunks are copied at once; 0 turns repair off. */
  readonly parallelism: number;
  readonly inFlightBytes: number;
}

/** How repair is, for people. What is counted by passes over the ledger is as of the last one. */
export interface RepairProgress {
  readonly isOff: boolean;
  readonly runningChunks: number;
  readonly waitingChunks: number;
  readonly waitingBytes: number;
  /** When the first of those that wait is due; undefined when none waits. */
  readonly waitingUntilMs: number | undefined;
  readonly stuckChunks: number;
  readonly setBackChunks: number;
  /** Since the coordinator started. */
  readonly copiedBytes: number;
  /** Over the last half minute. */
  readonly bytesPerSecond: number;
}

interface Running {
  readonly record: ChunkRecord;
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

interface DebtRow {
  readonly key: readonly [number, ChunkId];
  readonly record: ChunkRecord | undefined;
}

const PAGE_ROWS = 128;
/** A pass that gets on starts anew after this, since worse cases may have come in front. */
const PASS_MS = 10_000;
/** Between passes that could do nothing. */
const PASS_PAUSE = { baseMs: 500, capMs: 60_000 };
/** Rows that cannot be paid now are looked at no oftener than so many a second on average. */
const PAUSE_MS_PER_ROW = 0.02;
/** How soon a worker that rests looks whether there is new debt. */
const LOOK_AGAIN_MS = 1000;
const IDLE_MS = 600_000;
/** Chunks without any live copy come first in the ledger; nothing can be done for them. */
const LOST: readonly [number, ChunkId] = [0, "f".repeat(64) as ChunkId];

/**
 * Works off the debt, chunks with the fewest copies first, as many at once and as many bytes as allowed. Sleeps while there
 * is nothing to do now: until the first that waits is due, there is new debt, or `wake` says that nodes have come or gone.
 */
export class RepairWorker implements Worker {
  readonly name = "repair";
  readonly #parts: RepairWorkerParts;
  readonly #options: RepairWorkerOptions;
  readonly #budget: ByteBudget;
  readonly #bell: Bell;
  readonly #setbacks: Setbacks;
  readonly #meter: RateMeter;
  readonly #running = new Map<ChunkId, Running>();
  readonly #attempts;
  readonly #copiedBytes;
  /** Of the page that was read last, what was not looked at yet. */
  #rows: DebtRow[] = [];
  #cursor = LOST;
  #isLastPage = false;
  #pass: RepairPass;
  #lastPass: RepairPass;
  #fruitlessPasses = 0;
  #isWoken = false;
  #isResting = false;
  #lookAgain: Timer | undefined;
  #thrown: { readonly error: unknown } | undefined;

  constructor(parts: RepairWorkerParts, options: RepairWorkerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#budget = new ByteBudget(options.inFlightBytes);
    this.#bell = new Bell(parts.clock);
    this.#setbacks = new Setbacks(parts.clock, parts.random);
    this.#meter = new RateMeter(parts.clock);
    this.#pass = new RepairPass(parts.clock.monotonicMs());
    this.#lastPass = this.#pass;
    this.#attempts = parts.metrics.counter(
      "cairn_repair_attempts_total",
      "Attempts to pay for a chunk with too few copies, by how they ended.",
      ["outcome"],
    );
    this.#copiedBytes = parts.metrics.counter(
      "cairn_repair_copied_bytes_total",
      "Bytes of chunks that repair has copied.",
    );
  }

  get progress(): RepairProgress {
    const { clock } = this.#parts;
    const { waitingChunks, waitingBytes, stuckChunks, dueMs } = this.#lastPass;
    const waitMs = dueMs - clock.monotonicMs();
    return {
      isOff: this.#options.parallelism === 0,
      runningChunks: this.#running.size,
      waitingChunks,
      waitingBytes,
      waitingUntilMs: waitingChunks === 0 ? undefined : Math.floor(clock.now() + waitMs),
      stuckChunks,
      setBackChunks: this.#setbacks.size,
      copiedBytes: this.#meter.totalBytes,
      bytesPerSecond: Math.round(this.#meter.bytesPerSecond()),
    };
  }

  /** When the chunk is tried again after a copy that failed, by the wall clock; undefined when none has lately. */
  retryMs(id: ChunkId): number | undefined {
    const { clock } = this.#parts;
    const dueMs = this.#setbacks.notBeforeMs(id);
    return dueMs === undefined ? undefined : Math.floor(clock.now() + dueMs - clock.monotonicMs());
  }

  /** Whether a copy of the chunk is being made. */
  isRunning(id: ChunkId): boolean {
    return this.#running.has(id);
  }

  /** Nodes have come or gone, or the ledger was put right: all is looked at anew, and copies that are not needed any more end. */
  wake(): void {
    this.#isWoken = true;
    this.#fruitlessPasses = 0;
    for (const { record, controller } of this.#running.values()) {
      const live = liveCopies(record, (nodeNumber) => this.#parts.isLive(nodeNumber));
      if (live >= record.wantedCopies) controller.abort(NEEDLESS);
    }
    this.#bell.ring();
  }

  /** New debt may be there; one that rests looks at how much there is before it looks at the rows. */
  wakeForDebt(): void {
    if (!this.#isResting) {
      this.#bell.ring();
      return;
    }
    this.#lookAgain ??= this.#parts.clock.after(LOOK_AGAIN_MS, () => {
      this.#lookAgain = undefined;
      this.#bell.ring();
    });
  }

  async step(signal: AbortSignal): Promise<Step> {
    this.#rethrow();
    if (this.#options.parallelism === 0) return "done";
    if (this.#running.size >= this.#options.parallelism) {
      await Promise.race([...this.#running.values()].map(({ done }) => done));
      return "again";
    }
    if (this.#rows.length === 0 && !this.#isLastPage) await this.#readPage();
    for (let row = this.#rows.shift(); row !== undefined; row = this.#rows.shift()) {
      await this.#lookAt(row, signal);
      if (this.#running.size >= this.#options.parallelism) return "again";
    }
    const isLate = this.#parts.clock.monotonicMs() - this.#pass.startedMs >= PASS_MS;
    const isAnew = this.#isWoken || (isLate && this.#pass.hasProgress);
    if (!this.#isLastPage && !isAnew) return "again";
    return this.#endPass(signal);
  }

  /** Resolves when no copy is under way any more. */
  async settled(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #readPage(): Promise<void> {
    const rows = await this.#parts.kv.read(async (reader) => {
      if (this.#cursor === LOST) this.#pass.owed = await owedOf(reader);
      const page = await debts.page(reader, { after: this.#cursor, limit: PAGE_ROWS });
      const records = await chunks.getMany(
        reader,
        page.map(({ key }) => key[1]),
      );
      return page.map(({ key }, at) => ({ key, record: records[at] }));
    });
    this.#rows = rows;
    this.#cursor = rows.at(-1)?.key ?? this.#cursor;
    this.#isLastPage = rows.length < PAGE_ROWS;
  }

  async #lookAt({ key: [, id], record }: DebtRow, signal: AbortSignal): Promise<void> {
    const { plan, clock } = this.#parts;
    this.#pass.rows += 1;
    if (record === undefined || this.#running.has(id)) return;
    const planned = plan(record);
    if (planned.kind === "wait") {
      this.#pass.waitingChunks += 1;
      this.#pass.waitingBytes +=
        (record.wantedCopies - (record.debtCopies ?? 0)) * record.lengthBytes;
      this.#pass.wait(clock.monotonicMs() + planned.untilMs - clock.now());
      return;
    }
    if (planned.kind !== "copy" && planned.kind !== "settle") return;
    const notBeforeMs = this.#setbacks.notBeforeMs(id);
    if (notBeforeMs === undefined) await this.#start(id, record, signal);
    else this.#pass.wait(notBeforeMs);
  }

  async #start(id: ChunkId, record: ChunkRecord, signal: AbortSignal): Promise<void> {
    const release = await this.#budget.take(record.lengthBytes, signal);
    const controller = new AbortController();
    const onAbort = () => controller.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const done = this.#parts.repairer
      .repair(id, this.#setbacks.targetsOf(id), controller.signal)
      .then(
        (outcome) => this.#note(id, outcome),
        (error: unknown) => {
          if (controller.signal.reason === NEEDLESS)
            this.#attempts.add(1, { outcome: "cancelled" });
          // The next step throws it, where `runWorker` hears it.
          else this.#thrown = { error };
        },
      )
      .finally(() => {
        release();
        signal.removeEventListener("abort", onAbort);
        this.#running.delete(id);
      });
    this.#running.set(id, { record, controller, done });
  }

  async #endPass(signal: AbortSignal): Promise<Step> {
    await this.settled();
    this.#rethrow();
    const pass = this.#pass;
    if (this.#isLastPage) this.#lastPass = pass;
    this.#pass = new RepairPass(this.#parts.clock.monotonicMs());
    this.#rows = [];
    this.#cursor = LOST;
    this.#isLastPage = false;
    if (this.#isWoken) {
      this.#isWoken = false;
      return "again";
    }
    if (pass.hasProgress) {
      this.#fruitlessPasses = 0;
      return { pauseMs: pass.waitingChunks * PAUSE_MS_PER_ROW };
    }
    if (pass.rows === 0) {
      this.#fruitlessPasses = 0;
      this.#setbacks.clear();
      await this.#bell.wait(IDLE_MS, signal);
      this.#isWoken = false;
      // Those who call in crowds are heard together.
      return { pauseMs: 100 };
    }
    await this.#rest(pass, signal);
    return "again";
  }

  /** Sleeps until what waits is due, and where no node has room longer and longer; new debt, or `wake`, ends it. */
  async #rest(pass: RepairPass, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts;
    this.#fruitlessPasses += 1;
    const pauseMs = backoffMs(this.#fruitlessPasses, PASS_PAUSE, random);
    const startedMs = clock.monotonicMs();
    const onlyWaits = pass.stuckChunks === 0 && pass.dueMs !== Number.POSITIVE_INFINITY;
    const earliestMs = startedMs + pass.rows * PAUSE_MS_PER_ROW;
    const wishedMs = Math.min(pass.dueMs, startedMs + (onlyWaits ? IDLE_MS : pauseMs));
    const untilMs = Math.max(earliestMs, wishedMs);
    let hasNews = false;
    this.#isResting = true;
    while (!signal.aborted && !this.#isWoken) {
      const nowMs = clock.monotonicMs();
      if (nowMs >= untilMs || (hasNews && nowMs >= earliestMs)) break;
      await this.#bell.wait((hasNews ? Math.min(untilMs, earliestMs) : untilMs) - nowMs, signal);
      hasNews ||= (await this.#parts.kv.read(owedOf)) !== pass.owed;
    }
    this.#isResting = false;
    this.#isWoken = false;
    this.#lookAgain?.cancel();
    this.#lookAgain = undefined;
  }

  #note(id: ChunkId, outcome: RepairOutcome): void {
    this.#attempts.add(1, { outcome: outcome.kind });
    if (outcome.kind === "failed") {
      this.#setbacks.note(id, outcome.target);
      this.#pass.wait(this.#setbacks.notBeforeMs(id) ?? 0);
      return;
    }
    if (outcome.kind === "stuck") {
      this.#pass.stuckChunks += 1;
      // Where all others have failed, these are tried again in the end, more and more rarely.
      this.#setbacks.noteStuck(id);
      return;
    }
    this.#setbacks.forget(id);
    if (outcome.kind !== "progress") return;
    this.#pass.hasProgress = true;
    this.#copiedBytes.add(outcome.copiedBytes);
    this.#meter.add(outcome.copiedBytes);
  }

  #rethrow(): void {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown !== undefined) throw thrown.error;
  }
}

/** What is owed, in short: another text when debt has come or gone. */
async function owedOf(reader: KvReader): Promise<string> {
  const { debtChunks, missingBytes } = await readCounters(reader);
  return `${debtChunks} ${missingBytes}`;
}

const NEEDLESS = new Error("the copy is not needed any more");
