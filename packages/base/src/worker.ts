import { backoffMs } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";
import type { Logger } from "./telemetry.ts";

/** What one step of background work asks for next. */
export type Step = "again" | { readonly pauseMs: number } | "done";

/**
 * Background work that goes on for the life of a process: heartbeats, scrubbing, healing, GC.
 * A step is one bounded unit; it is never interrupted in the middle, only between steps.
 */
export interface Worker {
  readonly name: string;
  step(signal: AbortSignal): Promise<Step>;
}

export interface WorkerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Runs `worker` until it is done or `signal` fires; resolves then, and never rejects.
 * A step that throws is logged and tried again after a growing pause: the one place that does so.
 */
export async function runWorker(
  worker: Worker,
  parts: WorkerParts,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    let pauseMs: number;
    try {
      const next = await worker.step(signal);
      if (next === "done") return;
      failures = 0;
      pauseMs = next === "again" ? 0 : next.pauseMs;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      parts.logger.warn(
        "a step of background work failed",
        { worker: worker.name, failures },
        error,
      );
      pauseMs = backoffMs(failures, { baseMs: 100, capMs: 30_000 }, parts.random);
    }
    // The abort ends the loop; there is nothing else to learn from it.
    await parts.clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
