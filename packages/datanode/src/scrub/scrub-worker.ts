import { Bell } from "@cairnfs/base/bell";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { RateBudget } from "@cairnfs/base/rate-budget";
import type { Counter, Logger, Metrics } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { ChunkStore, StoredChunkInfo } from "../store/chunk-store.ts";
import type { ScrubLog } from "./scrub-log.ts";

export interface ScrubWorkerParts {
  readonly store: ChunkStore;
  readonly log: ScrubLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface ScrubWorkerOptions {
  /** 0: only scrubs that were asked for. */
  readonly periodMs: number;
  readonly bytesPerSecond: number;
}

/** How far a pass is, and how fast. */
export interface PassProgress {
  readonly totalChunks: number;
  readonly totalBytes: number;
  /** 0 when nobody knows yet. */
  readonly bytesPerSecond: number;
  /** When the next one begins at the latest; 0 while one is under way, or when there is no period. */
  readonly nextPassMs: number;
  readonly isTooSlow: boolean;
}

const PAGE_COPIES = 256;
/** Bounds of one step. */
const STEP_COPIES = 64;
const STEP_BYTES = 1024 * 1024;
/** A copy that cannot be read for reasons of the node is tried so often before the pass goes on without it, */
const TRIES_MAX = 3;
/** and the next pass comes so soon after one that went on without some. */
const RETRY_PASS_MS = 3_600_000;
const IDLE_MS = 24 * 3_600_000;

/**
 * Reads all copies again and again, in passes over the ids, one copy at a time and within its budget. A pass begins a quarter of the
 * period after the one before began and reads what was last verified half a period ago, or not since it was stored: so a copy is read
 * within the period as long as a pass takes no more than a quarter of it. A pass that was asked for reads all that was verified before
 * the node heard of it. Sleeps between passes.
 */
export class ScrubWorker implements Worker {
  readonly name = "scrub";
  readonly #parts: ScrubWorkerParts;
  readonly #options: ScrubWorkerOptions;
  readonly #budget: RateBudget;
  readonly #bell: Bell;
  readonly #read: Counter;
  /** The next copies of the pass, the first being next. */
  #page: StoredChunkInfo[] = [];
  /** When this process went on with the pass, and where it was then. */
  #since: { readonly atMs: number; readonly doneBytes: number } | undefined;
  #space = { chunkCount: 0, usedBytes: 0 };
  #tries = 0;
  #isTooSlow = false;

  constructor(parts: ScrubWorkerParts, options: ScrubWorkerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#budget = new RateBudget(parts.clock, options.bytesPerSecond);
    this.#bell = new Bell(parts.clock);
    this.#read = parts.metrics.counter(
      "cairn_scrub_read_bytes_total",
      "Bytes of copies that the scrub has read.",
    );
  }

  /** Takes note that a scrub was asked for at `requestedMs`, by the clock of who asked; what is known already, or older, is no news. */
  request(requestedMs: number): void {
    const { log, clock } = this.#parts;
    if (requestedMs <= log.state.requestedMs) return;
    log.change({ requestedMs, heardMs: clock.now(), requestedDoneMs: 0 });
    this.#bell.ring();
  }

  async step(signal: AbortSignal): Promise<Step> {
    const { log } = this.#parts;
    await log.writeIfDue();
    if (this.#isAsked() || (!this.#isRunning() && this.#pauseMs() <= 0)) await this.#begin();
    if (!this.#isRunning()) return this.#rest(signal);
    if (this.#since === undefined) await this.#goOn();
    await this.#readSome(signal);
    return "again";
  }

  /** How far the pass is that is under way, or the last one. */
  progress(): PassProgress {
    const { doneChunks, doneBytes } = this.#parts.log.state;
    const isRunning = this.#isRunning();
    const { chunkCount, usedBytes } = this.#space;
    const totalChunks = isRunning ? Math.max(doneChunks, chunkCount) : doneChunks;
    const leftShare = totalChunks === 0 ? 0 : 1 - doneChunks / totalChunks;
    return {
      totalChunks,
      totalBytes: doneBytes + Math.round(usedBytes * leftShare),
      bytesPerSecond: isRunning ? this.#rate() : 0,
      nextPassMs: isRunning ? 0 : this.#nextPassMs(),
      isTooSlow: this.#isTooSlow,
    };
  }

  /** Whether a scrub was asked for that no pass is doing or has done. */
  #isAsked(): boolean {
    const { requestedMs, requestedDoneMs, heardMs, passBeforeMs } = this.#parts.log.state;
    if (requestedMs === 0 || requestedDoneMs !== 0) return false;
    return !this.#isRunning() || passBeforeMs !== heardMs;
  }

  #isRunning(): boolean {
    const { passStartedMs, passEndedMs } = this.#parts.log.state;
    return passStartedMs !== 0 && passEndedMs === 0;
  }

  #nextPassMs(): number {
    const { passStartedMs, passEndedMs, unreadableChunks } = this.#parts.log.state;
    const { periodMs } = this.#options;
    if (periodMs === 0) return 0;
    const regularMs = passStartedMs + periodMs / 4;
    if (unreadableChunks === 0) return regularMs;
    return Math.min(regularMs, passEndedMs + Math.min(RETRY_PASS_MS, periodMs / 4));
  }

  /** Until the next pass. */
  #pauseMs(): number {
    const { passStartedMs } = this.#parts.log.state;
    if (this.#options.periodMs === 0) return IDLE_MS;
    const nowMs = this.#parts.clock.now();
    // Before the first, or the clock was set back: nobody knows how long ago the last one was.
    if (passStartedMs === 0 || passStartedMs > nowMs) return 0;
    return this.#nextPassMs() - nowMs;
  }

  /** Sleeps until the next pass, or until one is asked for. */
  async #rest(signal: AbortSignal): Promise<Step> {
    const { log, clock } = this.#parts;
    const writeMs = (log.writeDueMs ?? Number.POSITIVE_INFINITY) - clock.monotonicMs();
    await this.#bell.wait(Math.max(1, Math.min(IDLE_MS, this.#pauseMs(), writeMs)), signal);
    return "again";
  }

  async #begin(): Promise<void> {
    const { log, clock, logger } = this.#parts;
    const { requestedMs, requestedDoneMs, heardMs } = log.state;
    const isAsked = requestedMs !== 0 && requestedDoneMs === 0;
    log.change({
      passStartedMs: clock.now(),
      passEndedMs: 0,
      passBeforeMs: isAsked ? heardMs : 0,
      doneChunks: 0,
      doneBytes: 0,
      unreadableChunks: 0,
      cursor: undefined,
    });
    await this.#goOn();
    const { chunkCount, usedBytes } = this.#space;
    if (chunkCount > 0) logger.info("a scrub begins", { chunkCount, usedBytes, isAsked });
  }

  /** At the beginning of a pass, and after a restart within it. */
  async #goOn(): Promise<void> {
    const { store, log, clock, logger } = this.#parts;
    this.#page = [];
    this.#tries = 0;
    log.ages.begin(log.state.cursor);
    this.#since = { atMs: clock.monotonicMs(), doneBytes: log.state.doneBytes };
    this.#space = await store.space();
    const { periodMs, bytesPerSecond } = this.#options;
    const wasTooSlow = this.#isTooSlow;
    const { usedBytes } = this.#space;
    this.#isTooSlow = periodMs > 0 && usedBytes > (bytesPerSecond * periodMs) / 1000;
    if (this.#isTooSlow && !wasTooSlow) {
      logger.warn("the scrub may not read all copies within its period: raise its budget", {
        usedBytes,
        bytesPerSecond,
        periodMs,
      });
    }
  }

  async #readSome(signal: AbortSignal): Promise<void> {
    const { store, log } = this.#parts;
    if (this.#page.length === 0) {
      const after = log.state.cursor;
      this.#page = await store.list(after, PAGE_COPIES, { withDamaged: true });
      if (this.#page.length === 0) return this.#end();
    }
    let readBytes = 0;
    for (let copies = 0; copies < STEP_COPIES && readBytes < STEP_BYTES; copies++) {
      const [copy] = this.#page;
      if (copy === undefined || this.#isAsked()) return;
      if (this.#isDue(copy)) readBytes += await this.#verify(copy, signal);
      else this.#pass(copy, copy.verifiedMs);
    }
  }

  #isDue({ verifiedMs }: StoredChunkInfo): boolean {
    const nowMs = this.#parts.clock.now();
    // A time to come was noted before the clock was set back.
    if (verifiedMs === 0 || verifiedMs > nowMs) return true;
    if (verifiedMs < this.#parts.log.state.passBeforeMs) return true;
    const { periodMs } = this.#options;
    return periodMs > 0 && verifiedMs <= nowMs - periodMs / 2;
  }

  /** Reads a copy; gives how many bytes that were. */
  async #verify(copy: StoredChunkInfo, signal: AbortSignal): Promise<number> {
    const { store, clock, log, logger } = this.#parts;
    const pace = (sizeBytes: number) => this.#budget.take(sizeBytes, signal);
    try {
      const verdict = await store.verify(copy.id, signal, pace);
      this.#read.add(copy.lengthBytes);
      this.#pass(copy, verdict === "intact" ? clock.now() : undefined);
      return copy.lengthBytes;
    } catch (error) {
      if (!(error instanceof CairnError) || signal.aborted) throw error;
      this.#tries += 1;
      if (this.#tries < TRIES_MAX) throw error;
      logger.warn(
        "a copy could not be read, and nobody knows how it is",
        { chunk: copy.id },
        error,
      );
      log.change({ unreadableChunks: log.state.unreadableChunks + 1 });
      this.#pass(copy, copy.verifiedMs);
      return 0;
    }
  }

  /** Goes on to the next copy. One that is here still was last verified, or stored, at `atMs`. */
  #pass({ id, lengthBytes }: StoredChunkInfo, atMs: number | undefined): void {
    const { log } = this.#parts;
    const { doneChunks, doneBytes, passStartedMs } = log.state;
    this.#tries = 0;
    this.#page.shift();
    log.change({ cursor: id, doneChunks: doneChunks + 1, doneBytes: doneBytes + lengthBytes });
    if (atMs === undefined) return;
    const isKnown = atMs !== 0;
    log.ages.add(id, lengthBytes, { atMs: isKnown ? atMs : passStartedMs, isKnown });
  }

  async #end(): Promise<void> {
    const { log, clock, logger } = this.#parts;
    log.ages.end();
    const nowMs = clock.now();
    const { passBeforeMs, heardMs, requestedMs, requestedDoneMs } = log.state;
    const isAnswer = requestedMs !== 0 && requestedDoneMs === 0 && passBeforeMs === heardMs;
    log.change({ passEndedMs: nowMs, ...(isAnswer ? { requestedDoneMs: nowMs } : {}) });
    this.#since = undefined;
    const { doneChunks, doneBytes, unreadableChunks } = log.state;
    if (doneChunks > 0) {
      logger.info("a scrub has come to its end", { doneChunks, doneBytes, unreadableChunks });
    }
    await log.write();
  }

  #rate(): number {
    if (this.#since === undefined) return 0;
    const seconds = (this.#parts.clock.monotonicMs() - this.#since.atMs) / 1000;
    const doneBytes = this.#parts.log.state.doneBytes - this.#since.doneBytes;
    return seconds < 1 ? 0 : Math.round(doneBytes / seconds);
  }
}
