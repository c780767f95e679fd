import type { Clock } from "@cairnfs/base/clock";

/**
 * How many rows of the node table may be sent to nodes per second as parts of whole tables. When thousands of nodes start at
 * once each wants the whole table; they get it one after the other, and do their work meanwhile, since whoever sends
 * them a chunk to forward also says where to.
 */
export class ResyncAllowance {
  readonly #clock: Clock;
  readonly #rowsPerSecond: number;
  #freeAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, rowsPerSecond: number) {
    this.#clock = clock;
    this.#rowsPerSecond = rowsPerSecond;
  }

  /** Takes `rows` from the allowance; false, and nothing is taken, while earlier ones have used it up. */
  take(rows: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (this.#freeAtMs > nowMs) return false;
    // A second's worth may be saved up.
    const startMs = Math.max(this.#freeAtMs, nowMs - 1000);
    this.#freeAtMs = startMs + (rows / this.#rowsPerSecond) * 1000;
    return true;
  }
}
