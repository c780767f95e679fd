import { SystemClock } from "@cairnfs/base/clock";

/** The system's clock, but pauses last one round of the event loop. */
export class HastyClock extends SystemClock {
  override async sleep(_delayMs: number, signal?: AbortSignal): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}
