import type { Clock } from "@cairnfs/base/clock";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
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

  note(
    replica: { readonly chunkId: ChunkId; readonly nodeNumber: number },
    finding: FoundBad["finding"],
  ): void {
    const key = keyOf(replica);
    this.#found.delete(key);
    this.#found.set(key, { finding, atMs: Math.floor(this.#clock.now()) });
    const [oldest] = this.#found.keys();
    if (this.#found.size > FINDINGS_MAX && oldest !== undefined) this.#found.delete(oldest);
  }

  of(replica: { readonly chunkId: ChunkId; readonly nodeNumber: number }): FoundBad | undefined {
    return this.#found.get(keyOf(replica));
  }
}

function keyOf({
  chunkId,
  nodeNumber,
}: {
  readonly chunkId: ChunkId;
  readonly nodeNumber: number;
}): string {
  return `${chunkId}/${nodeNumber}`;
}
