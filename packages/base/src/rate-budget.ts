import { assert } from "./assert.ts";
import type { Clock } from "./clock.ts";

/**
 * So many bytes a second for work in the background, first come first served. What was not used lately may be
 * used at once, up to one second's worth; who takes more than that pays for it before the next is served.
 */
export class RateBudget {
  readonly bytesPerSecond: number;
  readonly #clock: Clock;
  /** Until when the bytes that were given out last. */
  #paidUntilMs: number;

  constructor(clock: Clock, bytesPerSecond: number) {
    assert(bytesPerSecond > 0, "a budget is more than nothing");
    this.bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
    this.#paidUntilMs = clock.monotonicMs() - BURST_MS;
  }

  /** Resolves when so many bytes may be used; rejects with the signal's reason when it fires first. */
  async take(sizeBytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const nowMs = this.#clock.monotonicMs();
    const fromMs = Math.max(this.#paidUntilMs, nowMs - BURST_MS);
    const costMs = (sizeBytes / this.bytesPerSecond) * 1000;
    this.#paidUntilMs = fromMs + costMs;
    if (fromMs <= nowMs) return;
    try {
      await this.#clock.sleep(fromMs - nowMs, signal);
    } catch (error) {
      // What was not used goes to those who come next.
      this.#paidUntilMs -= costMs;
      throw error;
    }
  }
}

const BURST_MS = 1000;
