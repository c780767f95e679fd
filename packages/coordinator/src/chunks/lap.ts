import type { ChunkId } from "@cairnfs/protocol/chunk-id";

/**
 * How far a walk round all ids has come. It goes round and round in the order of ids; the lap is over when it has been
 * everywhere since it was last asked to begin anew.
 */
export class Lap {
  #cursor: ChunkId | undefined;
  /** Up to where it has to come once it has passed the end; undefined: it began at the beginning. */
  #goal: ChunkId | undefined;
  #hasWrapped = false;
  #isOver = true;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The id behind which the next page begins; undefined for the first of all. */
  get after(): ChunkId | undefined {
    return this.#cursor;
  }

  /** From 0 to 1: how much of the lap is done, ids being spread evenly. */
  get share(): number {
    if (this.#isOver) return 1;
    const start = position(this.#goal);
    const here = position(this.#cursor);
    return this.#hasWrapped ? 1 - start + here : here - start;
  }

  /** All is to be seen from now on: the lap ends where it stands, once round. */
  begin(): void {
    if (this.#isOver) this.#cursor = undefined;
    this.#goal = this.#cursor;
    this.#hasWrapped = false;
    this.#isOver = false;
  }

  /** A page behind `after` was seen, up to `last`; `isLast` when there is nothing behind it. */
  advance(last: ChunkId | undefined, isLast: boolean): void {
    this.#cursor = last ?? this.#cursor;
    const { cursor, goal } = { cursor: this.#cursor, goal: this.#goal };
    if (this.#hasWrapped && goal !== undefined && cursor !== undefined && cursor >= goal) {
      this.#isOver = true;
    } else if (isLast) {
      this.#isOver = goal === undefined || this.#hasWrapped;
      this.#hasWrapped = true;
      this.#cursor = undefined;
    }
  }
}

/** Where in the space of ids this one lies. */
function position(id: ChunkId | undefined): number {
  return id === undefined ? 0 : Number.parseInt(id.slice(0, 12), 16) / 16 ** 12;
}
