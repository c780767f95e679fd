/** When a file was changed: seconds, a date, or text that is one. */
export type TimeLike = number | string | Date;

/** Milliseconds since the epoch. */
export function timeMs(time: TimeLike): number {
  if (time instanceof Date) return time.getTime();
  const seconds = Number(time);
  return Number.isNaN(seconds) ? Date.parse(String(time)) : seconds * 1_000;
}
