/** What one pass over the ledger has found. Times are of the monotonic clock. */
export class RepairPass {
  readonly startedMs: number;
  /** What was owed when it began. */
  owed = "";
  /** Rows that were looked at. */
  rows = 0;
  /** Whether something was paid, or put right. */
  hasProgress = false;
  /** Chunks that wait for nodes that may come back, and what they are still to get in all. */
  waitingChunks = 0;
  waitingBytes = 0;
  /** Chunks that no node can take one more copy of. */
  stuckChunks = 0;
  /** When the first that waits is due. */
  dueMs = Number.POSITIVE_INFINITY;

  constructor(startedMs: number) {
    this.startedMs = startedMs;
  }

  wait(dueMs: number): void {
    this.dueMs = Math.min(this.dueMs, dueMs);
  }
}
