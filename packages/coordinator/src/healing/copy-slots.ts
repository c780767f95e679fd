import { assert } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";

export interface CopySlotsOptions {
  /** In how many copies a node takes part at once, as source and as target each. */
  readonly copiesPerNode: number;
  /** More than so many do not wait: `overloaded`. */
  readonly waitingMax: number;
}

/** The two ends of a copy; the source is one of those offered. */
export interface CopyEnds {
  readonly source: number;
  readonly target: number;
}

interface Waiting {
  readonly target: number;
  readonly sources: readonly number[];
  readonly admit: (ends: CopyEnds) => void;
}

/**
 * Lets each node take part in few copies at once, so that none is busy with nothing else. Who wants nodes that are busy waits;
 * among those that want the same nodes the first that came is served first.
 */
export class CopySlots {
  readonly #options: CopySlotsOptions;
  /** One entry for each node that takes part in a copy. */
  readonly #asSource = new Map<number, number>();
  readonly #asTarget = new Map<number, number>();
  readonly #waiting: Waiting[] = [];

  constructor(options: CopySlotsOptions) {
    this.#options = options;
  }

  /** How many copies are under way. */
  get running(): number {
    let sum = 0;
    for (const copies of this.#asTarget.values()) sum += copies;
    return sum;
  }

  /**
   * Resolves when the target and one of the sources are free, with the source that has least to do (of equals the first), and
   * the function that gives both back, to be called once. Rejects with the signal's reason when it fires first.
   */
  async take(
    wanted: { readonly target: number; readonly sources: readonly number[] },
    signal: AbortSignal,
  ): Promise<{ readonly source: number; readonly release: () => void }> {
    assert(wanted.sources.length > 0, "a copy needs a source");
    signal.throwIfAborted();
    const ends = this.#tryTake(wanted) ?? (await this.#turn(wanted, signal));
    return { source: ends.source, release: () => this.#release(ends) };
  }

  #tryTake(wanted: Pick<Waiting, "target" | "sources">): CopyEnds | undefined {
    const { target, sources } = wanted;
    const { copiesPerNode } = this.#options;
    if ((this.#asTarget.get(target) ?? 0) >= copiesPerNode) return undefined;
    let source: number | undefined;
    let fewest = copiesPerNode;
    for (const candidate of sources) {
      const copies = this.#asSource.get(candidate) ?? 0;
      if (copies >= fewest) continue;
      source = candidate;
      fewest = copies;
    }
    if (source === undefined) return undefined;
    this.#asSource.set(source, fewest + 1);
    this.#asTarget.set(target, (this.#asTarget.get(target) ?? 0) + 1);
    return { source, target };
  }

  #turn(
    wanted: { readonly target: number; readonly sources: readonly number[] },
    signal: AbortSignal,
  ): Promise<CopyEnds> {
    const { waitingMax } = this.#options;
    if (this.#waiting.length >= waitingMax) {
      const message = `${waitingMax} copies are waiting for their nodes, the most that may`;
      throw new CairnError("overloaded", message);
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        ...wanted,
        admit: (ends) => {
          signal.removeEventListener("abort", onAbort);
          resolve(ends);
        },
      };
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiting);
    });
  }

  #release({ source, target }: CopyEnds): void {
    lessen(this.#asSource, source);
    lessen(this.#asTarget, target);
    for (let at = 0; at < this.#waiting.length; ) {
      const next = this.#waiting[at];
      const ends = next === undefined ? undefined : this.#tryTake(next);
      if (ends === undefined) {
        at += 1;
        continue;
      }
      this.#waiting.splice(at, 1);
      next?.admit(ends);
    }
  }
}

function lessen(counts: Map<number, number>, nodeNumber: number): void {
  const count = counts.get(nodeNumber) ?? 0;
  assert(count > 0, `node ${nodeNumber} takes part in no copy`);
  if (count === 1) counts.delete(nodeNumber);
  else counts.set(nodeNumber, count - 1);
}
