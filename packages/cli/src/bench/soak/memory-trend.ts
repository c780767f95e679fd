import type { Clock } from "@cairnfs/base/clock";
import { memoryOf, type ProcessMemory, type WatchedProcess } from "../process-meter.ts";

const SAMPLE_EVERY_MS = 1_000;
const MS_PER_MINUTE = 60_000;

/** How a process's own memory went: without files that it has mapped, which the system takes back when it needs room. */
export interface MemoryTrend extends WatchedProcess {
  readonly startBytes: number;
  readonly peakBytes: number;
  readonly endBytes: number;
  /** The most that was resident, mapped files and all. */
  readonly peakResidentBytes: number;
  /** By least squares over the second half; 0 where there were too few samples. */
  readonly slopeBytesPerMinute: number;
  readonly samples: number;
  readonly isGone: boolean;
}

/** Looks at the memory of processes every second from `start` to `stop`. What it keeps does not grow with time. */
export class MemorySampler {
  readonly #clock: Clock;
  readonly #durationMs: number;
  readonly #series: readonly Series[];
  readonly #stopped = new AbortController();
  #sampling: Promise<void> = Promise.resolve();
  #startedMs = 0;

  constructor(processes: readonly WatchedProcess[], clock: Clock, durationMs: number) {
    this.#clock = clock;
    this.#durationMs = durationMs;
    this.#series = processes.map((watched) => new Series(watched));
  }

  async start(): Promise<void> {
    this.#startedMs = this.#clock.monotonicMs();
    await this.#sample();
    this.#sampling = this.#loop();
  }

  async stop(): Promise<MemoryTrend[]> {
    this.#stopped.abort();
    await this.#sampling;
    await this.#sample();
    return this.#series.map((series) => series.trend());
  }

  async #loop(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      // An abort is how it ends.
      await this.#clock.sleep(SAMPLE_EVERY_MS, this.#stopped.signal).catch(() => undefined);
      if (!this.#stopped.signal.aborted) await this.#sample();
    }
  }

  async #sample(): Promise<void> {
    const atMs = this.#clock.monotonicMs() - this.#startedMs;
    const isLate = atMs >= this.#durationMs / 2;
    for (const series of this.#series) {
      series.add(await memoryOf(series.watched.pid), atMs, isLate);
    }
  }
}

/** The samples of one process, added up. */
export class Series {
  readonly watched: WatchedProcess;
  #first: ProcessMemory | undefined;
  #last: ProcessMemory | undefined;
  #peakBytes = 0;
  #peakResidentBytes = 0;
  #samples = 0;
  #isGone = false;
  readonly #late = { count: 0, minutes: 0, bytes: 0, minutesSquared: 0, product: 0 };

  constructor(watched: WatchedProcess) {
    this.watched = watched;
  }

  add(memory: ProcessMemory | undefined, atMs: number, isLate: boolean): void {
    if (memory === undefined) {
      this.#isGone = true;
      return;
    }
    this.#samples += 1;
    this.#first ??= memory;
    this.#last = memory;
    const { ownBytes, residentBytes, peakBytes } = memory;
    this.#peakBytes = Math.max(this.#peakBytes, ownBytes);
    this.#peakResidentBytes = Math.max(this.#peakResidentBytes, residentBytes, peakBytes);
    if (!isLate) return;
    const minutes = atMs / MS_PER_MINUTE;
    this.#late.count += 1;
    this.#late.minutes += minutes;
    this.#late.bytes += ownBytes;
    this.#late.minutesSquared += minutes * minutes;
    this.#late.product += minutes * ownBytes;
  }

  trend(): MemoryTrend {
    return {
      ...this.watched,
      startBytes: this.#first?.ownBytes ?? 0,
      peakBytes: this.#peakBytes,
      endBytes: this.#last?.ownBytes ?? 0,
      peakResidentBytes: this.#peakResidentBytes,
      slopeBytesPerMinute: this.#slope(),
      samples: this.#samples,
      isGone: this.#isGone,
    };
  }

  #slope(): number {
    const { count, minutes, bytes, minutesSquared, product } = this.#late;
    const spread = count * minutesSquared - minutes * minutes;
    return count < 3 || spread <= 0 ? 0 : (count * product - minutes * bytes) / spread;
  }
}
