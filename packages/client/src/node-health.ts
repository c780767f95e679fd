import type { Clock } from "@cairnfs/base/clock";

/** What this client itself has seen of a node lately. */
export interface NodeCondition {
  /** Forgotten a while after the last one, and at the first success. */
  readonly recentFailures: number;
  readonly activeReads: number;
  /** A moving average of the time to first bytes; 0 before the first. */
  readonly latencyMs: number;
}

interface Row {
  failures: number;
  failedMs: number;
  activeReads: number;
  latencyMs: number;
}

const FORGIVE_AFTER_MS = 30_000;
const SAMPLES = 128;
const HEDGE_DELAY_MIN_MS = 50;
const HEDGE_DELAY_MAX_MS = 2_000;

/** This client's own observations of the nodes: failures, load, and how long first bytes take. */
export class NodeHealth {
  readonly #clock: Clock;
  readonly #rows = new Map<number, Row>();
  readonly #samplesMs: number[] = [];
  #nextSample = 0;
  #hedgeDelayMs = HEDGE_DELAY_MIN_MS;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  condition(nodeNumber: number): NodeCondition {
    const row = this.#rows.get(nodeNumber);
    if (row === undefined) return { recentFailures: 0, activeReads: 0, latencyMs: 0 };
    const isForgiven = this.#clock.monotonicMs() - row.failedMs > FORGIVE_AFTER_MS;
    return {
      recentFailures: isForgiven ? 0 : row.failures,
      activeReads: row.activeReads,
      latencyMs: row.latencyMs,
    };
  }

  failed(nodeNumber: number): void {
    const row = this.#row(nodeNumber);
    row.failures += 1;
    row.failedMs = this.#clock.monotonicMs();
  }

  succeeded(nodeNumber: number): void {
    const row = this.#rows.get(nodeNumber);
    if (row !== undefined) row.failures = 0;
  }

  /** A read begins; call what this returns once when it has ended. */
  readBegins(nodeNumber: number): () => void {
    const row = this.#row(nodeNumber);
    row.activeReads += 1;
    let isActive = true;
    return () => {
      if (isActive) row.activeReads -= 1;
      isActive = false;
    };
  }

  /** First bytes came from the node after `latencyMs`. */
  firstBytes(nodeNumber: number, latencyMs: number): void {
    const row = this.#row(nodeNumber);
    row.failures = 0;
    row.latencyMs = row.latencyMs === 0 ? latencyMs : row.latencyMs * 0.8 + latencyMs * 0.2;
    this.#samplesMs[this.#nextSample] = latencyMs;
    this.#nextSample = (this.#nextSample + 1) % SAMPLES;
    if (this.#nextSample % 16 === 0) this.#hedgeDelayMs = hedgeDelay(this.#samplesMs);
  }

  /** How long to wait for first bytes before a second replica is asked: what all but one in twenty reads take, and half more. */
  get hedgeDelayMs(): number {
    return this.#hedgeDelayMs;
  }

  /** Rows are made for nodes of the cluster only; those that left are dropped. */
  retain(isMember: (nodeNumber: number) => boolean): void {
    for (const nodeNumber of this.#rows.keys()) {
      if (!isMember(nodeNumber)) this.#rows.delete(nodeNumber);
    }
  }

  #row(nodeNumber: number): Row {
    let row = this.#rows.get(nodeNumber);
    if (row === undefined) {
      row = { failures: 0, failedMs: 0, activeReads: 0, latencyMs: 0 };
      this.#rows.set(nodeNumber, row);
    }
    return row;
  }
}

function hedgeDelay(samplesMs: readonly number[]): number {
  const sorted = [...samplesMs].sort((a, b) => a - b);
  const usualMs = sorted[Math.floor(sorted.length * 0.95)] ?? 0;
  return Math.min(HEDGE_DELAY_MAX_MS, Math.max(HEDGE_DELAY_MIN_MS, usualMs * 1.5));
}
