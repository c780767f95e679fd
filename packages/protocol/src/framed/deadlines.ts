import type { Clock, Timer } from "@cairnfs/base/clock";

/** One timer for the deadlines of many calls, since most calls are answered long before theirs. */
export class Deadlines {
  readonly #clock: Clock;
  /** Fails what was due at the time given, and gives the time of the next deadline, Infinity for none. */
  readonly #expire: (nowMs: number) => number;
  #timer: Timer | undefined;
  #nextMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, expire: (nowMs: number) => number) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** The deadline that is `timeoutMs` from now; `expire` is called when it has come. */
  watch(timeoutMs: number): number {
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs;
    if (deadlineMs < this.#nextMs) this.#arm(deadlineMs, timeoutMs);
    return deadlineMs;
  }

  /** Forgets all deadlines. */
  close(): void {
    this.#timer?.cancel();
    this.#nextMs = Number.POSITIVE_INFINITY;
  }

  #arm(deadlineMs: number, delayMs: number): void {
    this.#timer?.cancel();
    this.#nextMs = deadlineMs;
    this.#timer = this.#clock.after(Math.ceil(delayMs), () => this.#onTime());
  }

  #onTime(): void {
    this.#nextMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    const nextMs = this.#expire(nowMs);
    if (nextMs < this.#nextMs) this.#arm(nextMs, nextMs - nowMs);
  }
}
