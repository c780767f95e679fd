import type { Clock } from "@cairnfs/base/clock";

/** Debt that repair has not begun to pay in so long is debt that nobody can pay now. */
const PATIENCE_MS = 30_000;

/** Tells debt that repair pays, or is about to, from debt that nobody can pay now. */
export class DebtWatch {
  readonly #clock: Clock;
  readonly #isRepairBusy: (debtChunks: number) => boolean;
  #chunks = 0;
  #changedAtMs = 0;

  constructor(clock: Clock, isRepairBusy: (debtChunks: number) => boolean) {
    this.#clock = clock;
    this.#isRepairBusy = isRepairBusy;
  }

  /** Whether repair goes first, by how many chunks are in debt now. */
  isPayable(debtChunks: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    // New debt, or some paid: in both cases repair looks at it soon.
    if (debtChunks !== this.#chunks) this.#changedAtMs = nowMs;
    this.#chunks = debtChunks;
    if (this.#isRepairBusy(debtChunks)) return true;
    return debtChunks > 0 && nowMs - this.#changedAtMs < PATIENCE_MS;
  }
}
