/** What the nodes of a swarm saw since the last reading. */
export interface SwarmCounts {
  readonly heartbeats: number;
  readonly registrations: number;
  readonly failures: number;
  /** Of the messages of heartbeats, without their frames. */
  readonly heartbeatSentBytes: number;
  readonly heartbeatReceivedBytes: number;
  readonly wholeTables: number;
  readonly wholeTableBytes: number;
  /** Answers with some rows that changed. */
  readonly diffs: number;
  readonly diffRows: number;
  readonly diffBytes: number;
  /** How many heartbeats took less than each of `LATENCY_LIMITS_MS`, and not less than the one before. */
  readonly latencies: readonly number[];
  /** Why calls failed, and how often. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** Upper ends of the classes that durations are counted in: steps of a fifth, from 0.1 ms to a minute. */
export const LATENCY_LIMITS_MS: readonly number[] = Array.from(
  { length: 75 },
  (_, at) => 0.1 * 1.2 ** at,
);

interface CallFacts {
  readonly durationMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

type Counting = { -readonly [Name in keyof SwarmCounts]: SwarmCounts[Name] };

/** Counts what the nodes of one process see. */
export class SwarmTally {
  #counts: Counting = emptyCounts();
  #latencies: number[] = [];
  #reasons: Record<string, number> = {};

  /** Counts the failure of a call. */
  async watch<T>(method: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      this.#counts.failures += 1;
      const reason = error instanceof Error && "reason" in error ? String(error.reason) : "bug";
      const key = `${method} ${reason}`;
      this.#reasons[key] = (this.#reasons[key] ?? 0) + 1;
      throw error;
    }
  }

  noteCall(method: string, { durationMs, sentBytes, receivedBytes }: CallFacts): void {
    const counts = this.#counts;
    if (method === "RegisterNode") counts.registrations += 1;
    if (method !== "Heartbeat") return;
    counts.heartbeats += 1;
    counts.heartbeatSentBytes += sentBytes;
    counts.heartbeatReceivedBytes += receivedBytes;
    const found = LATENCY_LIMITS_MS.findIndex((limitMs) => durationMs < limitMs);
    const at = found < 0 ? LATENCY_LIMITS_MS.length - 1 : found;
    this.#latencies[at] = (this.#latencies[at] ?? 0) + 1;
  }

  noteUpdates(updates: {
    readonly isWhole: boolean;
    readonly nodes: readonly unknown[];
    readonly sizeBytes: number;
  }): void {
    const counts = this.#counts;
    if (updates.isWhole) {
      counts.wholeTables += 1;
      counts.wholeTableBytes += updates.sizeBytes;
    } else if (updates.nodes.length > 0) {
      counts.diffs += 1;
      counts.diffRows += updates.nodes.length;
      counts.diffBytes += updates.sizeBytes;
    }
  }

  /** What was counted since this was called last. */
  take(): SwarmCounts {
    const taken = {
      ...this.#counts,
      latencies: LATENCY_LIMITS_MS.map((_, at) => this.#latencies[at] ?? 0),
      reasons: this.#reasons,
    };
    this.#counts = emptyCounts();
    this.#latencies = [];
    this.#reasons = {};
    return taken;
  }
}

export function emptyCounts(): SwarmCounts {
  return {
    heartbeats: 0,
    registrations: 0,
    failures: 0,
    heartbeatSentBytes: 0,
    heartbeatReceivedBytes: 0,
    wholeTables: 0,
    wholeTableBytes: 0,
    diffs: 0,
    diffRows: 0,
    diffBytes: 0,
    latencies: LATENCY_LIMITS_MS.map(() => 0),
    reasons: {},
  };
}

export function addCounts(a: SwarmCounts, b: SwarmCounts): SwarmCounts {
  const reasons = { ...a.reasons };
  for (const [reason, times] of Object.entries(b.reasons)) {
    reasons[reason] = (reasons[reason] ?? 0) + times;
  }
  return {
    heartbeats: a.heartbeats + b.heartbeats,
    registrations: a.registrations + b.registrations,
    failures: a.failures + b.failures,
    heartbeatSentBytes: a.heartbeatSentBytes + b.heartbeatSentBytes,
    heartbeatReceivedBytes: a.heartbeatReceivedBytes + b.heartbeatReceivedBytes,
    wholeTables: a.wholeTables + b.wholeTables,
    wholeTableBytes: a.wholeTableBytes + b.wholeTableBytes,
    diffs: a.diffs + b.diffs,
    diffRows: a.diffRows + b.diffRows,
    diffBytes: a.diffBytes + b.diffBytes,
    latencies: a.latencies.map((times, at) => times + (b.latencies[at] ?? 0)),
    reasons,
  };
}

/** The duration that a share `quantile` of the heartbeats stayed below: the upper end of its class. */
export function latencyMs(counts: SwarmCounts, quantile: number): number {
  const wanted = counts.heartbeats * quantile;
  let seen = 0;
  for (const [at, times] of counts.latencies.entries()) {
    seen += times;
    if (seen >= wanted) return LATENCY_LIMITS_MS[at] ?? Number.POSITIVE_INFINITY;
  }
  return 0;
}
