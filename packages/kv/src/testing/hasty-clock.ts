import { SystemClock, type Timer } from "@cairnfs/base/clock";

/** The system's clock, but pauses and timers last one round of the event loop. */
export class HastyClock extends SystemClock {
  override async sleep(_delayMs: number, signal?: AbortSignal): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }

  override after(_delayMs: number, callback: () => void): Timer {
    const handle = setImmediate(callback);
    return { cancel: () => clearImmediate(handle) };
  }
}
