import type { Clock, Timer } from "@cairnfs/base/clock";

/**
 * Notices when work that is watched makes no progress for a time. Cheap to feed: the timer is set once for each
 * period, not for each sign of progress.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onStall: () => void;
  #timer: Timer | undefined;
  #progressMs = 0;

  /** Calls `onStall` once, when `limitMs` pass without progress while watching; `Infinity` never does. */
  constructor(clock: Clock, limitMs: number, onStall: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onStall = onStall;
  }

  /** Starts to watch, as if there had been progress now; nothing when it watches already. */
  watch(): void {
    if (this.#timer !== undefined || this.#limitMs === Number.POSITIVE_INFINITY) return;
    this.#progressMs = this.#clock.monotonicMs();
    this.#arm(this.#limitMs);
  }

  progress(): void {
    if (this.#timer !== undefined) this.#progressMs = this.#clock.monotonicMs();
  }

  /** Stops watching until the next `watch`. */
  rest(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      const idleMs = this.#clock.monotonicMs() - this.#progressMs;
      if (idleMs < this.#limitMs) {
        this.#arm(this.#limitMs - idleMs);
        return;
      }
      this.#timer = undefined;
      this.#onStall();
    });
  }
}
