import type { ReadSet } from "./recording-transaction.ts";
import type { ResolvedWrite } from "./write-buffer.ts";

/** Past this many keys the oldest commits are forgotten: who started before them conflicts. */
const KEYS_MAX = 100_000;

interface PastCommit {
  readonly sequence: number;
  readonly keys: readonly string[];
}

/** Which keys the recent commits wrote: enough to tell whether a reading is stale. */
export class CommitHistory {
  #commits: PastCommit[] = [];
  #keyCount = 0;
  /** Everything that was written after this commit is known. */
  #floor: number;

  constructor(sequence: number) {
    this.#floor = sequence;
  }

  record(sequence: number, writes: readonly ResolvedWrite[]): void {
    this.#commits.push({ sequence, keys: writes.map((write) => write.key) });
    this.#keyCount += writes.length;
    while (this.#keyCount > KEYS_MAX) this.#forgetOldest();
  }

  /** Forgets everything: nobody who started before `sequence` is still there. */
  forget(sequence: number): void {
    if (this.#commits.length > 0) this.#commits = [];
    this.#keyCount = 0;
    this.#floor = sequence;
  }

  /** Whether a commit after `sequence` wrote what `reads` has read, or may have. */
  hasChanged(reads: ReadSet, sequence: number): boolean {
    if (sequence < this.#floor) return true;
    const keys = new Set(reads.keys);
    for (let at = this.#commits.length - 1; at >= 0; at--) {
      const commit = this.#commits[at];
      if (commit === undefined || commit.sequence <= sequence) return false;
      for (const key of commit.keys) {
        if (keys.has(key)) return true;
        if (reads.ranges.some((range) => key >= range.start && key < range.end)) return true;
      }
    }
    return false;
  }

  #forgetOldest(): void {
    const oldest = this.#commits.shift();
    if (oldest === undefined) return;
    this.#keyCount -= oldest.keys.length;
    this.#floor = oldest.sequence;
  }
}
