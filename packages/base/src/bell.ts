import type { Clock } from "./clock.ts";

/** Lets one waiter sleep until something happens. Rings that nobody waits for are remembered as one. */
export class Bell {
  readonly #clock: Clock;
  #hasRung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring, at once if there was one since the last wait, and at the latest after `withinMs` or on abort. */
  async wait(withinMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasRung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(withinMs, onEnd);
        signal.addEventListener("abort", onEnd, { once: true });
        this.#wake = onEnd;
        function onEnd(): void {
          timer.cancel();
          signal.removeEventListener("abort", onEnd);
          resolve();
        }
      });
      this.#wake = undefined;
    }
    this.#hasRung = false;
  }
}
