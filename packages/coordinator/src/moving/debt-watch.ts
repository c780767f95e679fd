import type { Clock } from "@cairnfs/base/clock";

/** Debt that repair has not begun to pay in so long is debt that nobody can pay now. */
const PATIENCE_MS = 30_000;

/** What repair is at. */
export interface RepairWork {
  /** Copies are being made, or nobody knows yet how many are owed. */
  readonly isBusy: boolean;
  /** Chunks in debt that it leaves alone for now: what they lack may come back with its nodes. */
  readonly waitingChunks: number;
}

/** Tells debt that repair pays, or is about to, from debt that waits and debt that nobody can pay now. */
export class DebtWatch {
  readonly #clock: Clock;
  readonly #repairWork: () => RepairWork;
  #chunks = 0;
  #changedAtMs = 0;

  constructor(clock: Clock, repairWork: () => RepairWork) {
    this.#clock = clock;
    this.#repairWork = repairWork;
  }

  /** Whether repair goes first, by how many chunks are in debt now. */
  isPayable(debtChunks: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    const { isBusy, waitingChunks } = this.#repairWork();
    const owedChunks = Math.max(0, debtChunks - waitingChunks);
    // New debt, or some paid: in both cases repair looks at it soon.
    if (owedChunks !== this.#chunks) this.#changedAtMs = nowMs;
    this.#chunks = owedChunks;
    if (isBusy) return true;
    return owedChunks > 0 && nowMs - this.#changedAtMs < PATIENCE_MS;
  }
}
