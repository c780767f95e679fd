import type { Clock } from "@cairnfs/base/clock";
import type { NodeTable } from "../nodes/node-table.ts";

/** Which members are dead, and since when. Kept across restarts by the ledger, so that a restart makes nobody look alive. */
export class Absences {
  readonly #table: NodeTable;
  readonly #clock: Clock;
  /** One entry for each member; the number is 0 for those that are not dead. */
  readonly #deadSinceMs = new Map<number, number>();

  /** Of the members, those that are dead have been so since the time in `kept`; others that are since now. */
  constructor(table: NodeTable, clock: Clock, kept: ReadonlyMap<number, number>) {
    this.#table = table;
    this.#clock = clock;
    for (const { nodeNumber, liveness } of table.rows()) {
      const sinceMs = kept.get(nodeNumber) ?? this.#nowMs();
      this.#deadSinceMs.set(nodeNumber, liveness === "dead" ? sinceMs : 0);
    }
  }

  /** Looks at a node whose state has changed. True when other copies count than before: it died, came back or was removed. */
  note(nodeNumber: number): boolean {
    const row = this.#table.get(nodeNumber);
    const before = this.#deadSinceMs.get(nodeNumber);
    if (row === undefined) return this.#deadSinceMs.delete(nodeNumber);
    const isDead = row.liveness === "dead";
    if (before !== undefined && isDead === before > 0) return false;
    this.#deadSinceMs.set(nodeNumber, isDead ? this.#nowMs() : 0);
    // The records cannot name one that has only joined.
    return before !== undefined;
  }

  /** Since when the node has been dead; undefined when it is not, or no member. */
  sinceMs(nodeNumber: number): number | undefined {
    const sinceMs = this.#deadSinceMs.get(nodeNumber);
    return sinceMs === undefined || sinceMs === 0 ? undefined : sinceMs;
  }

  /** All that are dead. */
  dead(): Map<number, number> {
    return new Map([...this.#deadSinceMs].filter(([, sinceMs]) => sinceMs > 0));
  }

  #nowMs(): number {
    return Math.max(1, Math.floor(this.#clock.now()));
  }
}
