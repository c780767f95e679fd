import { CairnError } from "./errors.ts";

/** A timer that was set. Cancelling one that has fired or was cancelled does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time as the code may know it. In simulation it is virtual. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. For what people read and what is stored. */
  now(): number;
  /** Milliseconds that only grow, from an arbitrary start; for measuring. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`. The timer does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  after(delayMs: number, callback: () => void): Timer {
    const handle = setTimeout(callback, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(
      (ms, callback) => {
        const handle = setTimeout(callback, ms);
        return { cancel: () => clearTimeout(handle) };
      },
      delayMs,
      signal,
    );
  }
}

/** Builds `Clock.sleep` from a way to set timers. */
export function sleepOn(
  after: (delayMs: number, callback: () => void) => Timer,
  delayMs: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** A signal with a life: `signal` fires on a parent's abort or at the deadline, `release` lets go of both. */
export interface Deadline {
  readonly signal: AbortSignal;
  release(): void;
}

/**
 * A signal that fires with `deadlineExceeded` after `timeoutMs`, or when `parent` fires.
 * The caller must `release` it, or the parent keeps it for ever.
 */
export function deadlineAfter(clock: Clock, timeoutMs: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  const onParent = () => controller.abort(parent?.reason);
  if (parent?.aborted) onParent();
  else parent?.addEventListener("abort", onParent, { once: true });
  const timer = clock.after(timeoutMs, () => {
    controller.abort(new CairnError("deadlineExceeded", `no answer within ${timeoutMs} ms`));
  });
  return {
    signal: controller.signal,
    release: () => {
      timer.cancel();
      parent?.removeEventListener("abort", onParent);
    },
  };
}
