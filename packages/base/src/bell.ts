import type { Clock } from "./clock.ts";
import type { Step, Worker } from "./worker.ts";

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

/** Those who ring in crowds are heard together. */
const CROWD_MS = 100;

/** `worker`, whose pauses end when `bell` rings. */
export function wokenBy(bell: Bell, worker: Worker): Worker {
  return {
    name: worker.name,
    step: async (signal): Promise<Step> => {
      const next = await worker.step(signal);
      if (next === "again" || next === "done") return next;
      await bell.wait(next.pauseMs, signal);
      return { pauseMs: Math.min(CROWD_MS, next.pauseMs) };
    },
  };
}
