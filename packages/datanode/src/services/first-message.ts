import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";

/** The message that a stream begins with, undefined when it has none; `stalled` when it does not come within `stallMs`. */
export function firstMessage<T>(
  messages: AsyncIterator<T>,
  clock: Clock,
  stallMs: number,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(stallMs, () => {
      reject(new CairnError("stalled", `the first message did not come within ${stallMs} ms`));
    });
    messages
      .next()
      .then((first) => resolve(first.done === true ? undefined : first.value), reject)
      .finally(() => timer.cancel());
  });
}
