import type { Clock } from "@cairnfs/base/clock";
import { type Replica, replicaKey } from "./replica.ts";
import type { ReplicaFinding } from "./replica-verifier.ts";

/** What was found, and when by the wall clock. */
export interface FoundBad {
  readonly finding: Exclude<ReplicaFinding, "intact">;
  readonly atMs: number;
}

const FINDINGS_MAX = 10_000;

/** Which copies were found bad lately, for who asks why a chunk has too few. Of too many the oldest is forgotten. */
export class ReplicaFindings {
  readonly #clock: Clock;
  readonly #found = new Map<string, FoundBad>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(replica: Replica, finding: FoundBad["finding"]): void {
    const key = replicaKey(replica);
    this.#found.delete(key);
    this.#found.set(key, { finding, atMs: Math.floor(this.#clock.now()) });
    const [oldest] = this.#found.keys();
    if (this.#found.size > FINDINGS_MAX && oldest !== undefined) this.#found.delete(oldest);
  }

  of(replica: Replica): FoundBad | undefined {
    return this.#found.get(replicaKey(replica));
  }
}
