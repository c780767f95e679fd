import type { Clock } from "@cairnfs/base/clock";

export interface Raced<T> {
  /** Which of the promises was first. */
  readonly index: number;
  readonly value: T;
}

/** The first of `promises` to settle, or "late" when none does within `lateMs`. The others are left to themselves. */
export function firstOf<T>(
  clock: Clock,
  promises: readonly Promise<T>[],
  lateMs: number | undefined,
): Promise<Raced<T> | "late"> {
  return new Promise((resolve, reject) => {
    const timer = lateMs === undefined ? undefined : clock.after(lateMs, () => resolve("late"));
    for (const [index, promise] of promises.entries()) {
      promise.then(
        (value) => {
          timer?.cancel();
          resolve({ index, value });
        },
        (error: unknown) => {
          timer?.cancel();
          reject(error);
        },
      );
    }
  });
}
