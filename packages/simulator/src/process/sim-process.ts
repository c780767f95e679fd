import type { Clock, Timer } from "@cairnfs/base/clock";
import { sleepOn } from "@cairnfs/base/clock";
import type { Chance } from "../schedule/chance.ts";
import type { Event, SimScheduler } from "../schedule/scheduler.ts";

/** What Node makes of a delay that is longer than its timers can be: it fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** When every simulated world begins. */
export const EPOCH_MS = 1_700_000_000_000;

/** How a host's clock differs from true time. */
export interface ClockError {
  /** 1 is right; 1.01 gains 1 %. */
  rate: number;
  /** What is added to the time of day. */
  offsetMs: number;
}

/**
 * One life of a simulated process. When it is killed nothing calls it back any more: its timers, messages and disk are silent for
 * ever, so whatever code of it is left has no effect. While it is frozen everything that comes waits.
 */
export class SimProcess {
  /** The host that it runs on. */
  readonly host: string;
  readonly scheduler: SimScheduler;
  readonly random: Chance;
  readonly clock: Clock;
  /** How many timers are set. */
  timers = 0;
  #isAlive = true;
  #frozen: (() => void)[] | undefined;
  readonly #onKill = new Set<() => void>();

  constructor(parts: {
    readonly host: string;
    readonly scheduler: SimScheduler;
    readonly random: Chance;
    readonly clockError: ClockError;
  }) {
    this.host = parts.host;
    this.scheduler = parts.scheduler;
    this.random = parts.random;
    this.clock = new ProcessClock(this, parts.clockError);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Runs what came for the process from outside: now, when it thaws, or never. */
  deliver(callback: () => void): void {
    if (!this.#isAlive) return;
    if (this.#frozen !== undefined) this.#frozen.push(callback);
    else callback();
  }

  freeze(): void {
    this.#frozen ??= [];
  }

  thaw(): void {
    const waiting = this.#frozen ?? [];
    this.#frozen = undefined;
    // One after the other, as the event loop would.
    for (const callback of waiting) this.scheduler.after(0, () => this.deliver(callback));
  }

  /** Tells who has to end something that this process had when it dies. */
  onKill(callback: () => void): () => void {
    this.#onKill.add(callback);
    return () => void this.#onKill.delete(callback);
  }

  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#frozen = undefined;
    for (const callback of [...this.#onKill]) callback();
    this.#onKill.clear();
  }
}

/** A host's clock as one process of it sees it. */
class ProcessClock implements Clock {
  readonly #process: SimProcess;
  readonly #error: ClockError;
  #seenMs: number;
  #monotonicMs: number;

  constructor(process: SimProcess, error: ClockError) {
    this.#process = process;
    this.#error = error;
    this.#seenMs = process.scheduler.nowMs;
    this.#monotonicMs = this.#seenMs;
  }

  now(): number {
    return Math.floor(EPOCH_MS + this.monotonicMs() + this.#error.offsetMs);
  }

  monotonicMs(): number {
    const nowMs = this.#process.scheduler.nowMs;
    this.#monotonicMs += (nowMs - this.#seenMs) * this.#error.rate;
    this.#seenMs = nowMs;
    return this.#monotonicMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const process = this.#process;
    const isTooLong = !(delayMs <= TIMER_MS_MAX);
    const waitMs = isTooLong ? 1 : Math.max(1, delayMs) / this.#error.rate;
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      process.timers -= 1;
    };
    process.timers += 1;
    const event: Event = process.scheduler.after(waitMs, () => {
      process.deliver(() => {
        if (isOver) return;
        end();
        callback();
      });
    });
    return {
      cancel: () => {
        end();
        process.scheduler.cancel(event);
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn((ms, callback) => this.after(ms, callback), delayMs, signal);
  }
}
