/**
 * So long a worker sleeps at most that goes by due times. Most of what falls due earlier than what it knew of rings its bell; the
 * rest waits so long.
 */
export const IDLE_PAUSE_MS = 10_000;

/** The pause until something falls due; undefined when nothing is known that will. */
export function pauseUntil(dueMs: number | undefined, nowMs: number): { readonly pauseMs: number } {
  if (dueMs === undefined) return { pauseMs: IDLE_PAUSE_MS };
  return { pauseMs: Math.min(IDLE_PAUSE_MS, Math.max(1, dueMs - nowMs)) };
}
