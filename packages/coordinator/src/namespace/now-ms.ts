import type { Clock } from "@cairnfs/base/clock";

/** The time in whole milliseconds, as records keep it. A clock may know it finer. */
export function nowMsOf(clock: Clock): number {
  return Math.floor(clock.now());
}
