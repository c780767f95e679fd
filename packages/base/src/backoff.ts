import type { Random } from "./random.ts";

export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

/** The pause before attempt `failures + 1`: exponential, capped, with full jitter over its upper half. */
export function backoffMs(failures: number, limits: BackoffLimits, random: Random): number {
  const ceilingMs = Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(failures - 1, 30));
  return ceilingMs * (0.5 + random.next() / 2);
}
