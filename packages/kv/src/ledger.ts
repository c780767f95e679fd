import type { View } from "./view.ts";
import type { ResolvedWrite } from "./write-buffer.ts";

/** What a driver gives the transactor: states to read, and a place for commits in one order. */
export interface Ledger {
  /** The number of the last commit. */
  readonly sequence: number;
  /** Views of a sequence below this may show commits that were undone. */
  readonly validFrom: number;
  /** Whether what room there is is kept for those who delete; says so to one who wanted to add. */
  refusesGrowth?(): boolean;
  /** Whether no commit is taken for now. The ledger says when that is over. */
  readonly isFull: boolean;
  /** The state after the last commit, durable or not. */
  view(): View;
  /** Takes the next commit, whose number is `sequence + 1`. From here on `view` shows it. */
  apply(writes: readonly ResolvedWrite[], hasAppends: boolean): void;
  /**
   * `undefined` when everything up to commit `sequence` is durable; else what resolves when it is. It rejects with
   * `RolledBack` when the commits have been undone through no fault of theirs, and with a CairnError when they
   * cannot be stored. Whenever commits are undone the ledger's sequence moves on by one more.
   */
  durable(sequence: number): Promise<void> | undefined;
}

/** The commit, or one that it was built on, was undone: the transaction has to run again. */
export class RolledBack extends Error {
  override readonly name = "RolledBack";
}
