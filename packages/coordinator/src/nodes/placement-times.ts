import type { Clock } from "@cairnfs/base/clock";
import type { NodeRow } from "./node-table.ts";

/** When chunks were last placed on which node: for a while after, clients may still store there. */
export class PlacementTimes {
  readonly #clock: Clock;
  /** By node, on the monotonic clock; one entry for each node that ever had a chunk placed. */
  readonly #lastMs = new Map<number, number>();

  /** To the `members` of an earlier life of the coordinator it may have placed chunks until just now. */
  constructor(clock: Clock, members: Iterable<NodeRow>) {
    this.#clock = clock;
    for (const { nodeNumber } of members) this.#lastMs.set(nodeNumber, clock.monotonicMs());
  }

  /** These nodes were told to a client. */
  note(nodeNumbers: readonly number[]): void {
    const nowMs = this.#clock.monotonicMs();
    for (const nodeNumber of nodeNumbers) this.#lastMs.set(nodeNumber, nowMs);
  }

  /** For how many milliseconds from now placements on the node may still be in use, which are so for `usableMs`; 0 for no more. */
  leftMs(nodeNumber: number, usableMs: number): number {
    const lastMs = this.#lastMs.get(nodeNumber) ?? Number.NEGATIVE_INFINITY;
    return Math.max(0, lastMs + usableMs - this.#clock.monotonicMs());
  }
}
