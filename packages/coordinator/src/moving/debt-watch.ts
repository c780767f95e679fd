import type { Clock } from "@cairnfs/base/clock";

/** Tells debt that repair is about to pay from debt that nobody can pay now: what does not shrink for long is the latter. */
export class DebtWatch {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #leastChunks = 0;
  #shrankAtMs = 0;

  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** Whether repair has work, by how many chunks are in debt now. */
  isPayable(debtChunks: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (debtChunks === 0) {
      this.#leastChunks = 0;
      return false;
    }
    // New debt, or some paid: in both cases repair is on it.
    if (debtChunks !== this.#leastChunks) this.#shrankAtMs = nowMs;
    this.#leastChunks = debtChunks;
    return nowMs - this.#shrankAtMs < this.#patienceMs;
  }
}
