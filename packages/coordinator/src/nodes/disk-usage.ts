/** How full a node is. */
export interface DiskUsage {
  readonly capacityBytes: number;
  readonly usedBytes: number;
  /** What new chunks may take. */
  readonly availableBytes: number;
  readonly chunkCount: number;
}

export const NO_USAGE: DiskUsage = {
  capacityBytes: 0,
  usedBytes: 0,
  availableBytes: 0,
  chunkCount: 0,
};

/** A change of this much of the capacity is news. */
const STEP_OF_CAPACITY = 0.05;
/** Near full the steps grow smaller with what is left, so that nobody is sent where there is no room. */
const STEP_OF_AVAILABLE = 0.25;

/**
 * Whether `now` differs so much from what was last published that others should hear of it. Thousands of
 * nodes report every few seconds; only what would change a placement may travel on. Pure.
 */
export function isUsageNews(published: DiskUsage, now: DiskUsage): boolean {
  if (published.capacityBytes !== now.capacityBytes) return true;
  if ((published.availableBytes === 0) !== (now.availableBytes === 0)) return true;
  const changedBytes = Math.abs(published.availableBytes - now.availableBytes);
  if (changedBytes === 0) return false;
  return (
    changedBytes >= now.capacityBytes * STEP_OF_CAPACITY ||
    changedBytes >= published.availableBytes * STEP_OF_AVAILABLE
  );
}
