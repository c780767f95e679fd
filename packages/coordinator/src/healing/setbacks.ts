import { backoffMs } from "@cairnfs/base/backoff";
import type { Clock } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";

/** A chunk whose copy failed: when to try again, and who has failed. */
interface Setback {
  readonly failures: number;
  readonly notBeforeMs: number;
  readonly targets: ReadonlySet<number>;
}

const SETBACKS_MAX = 10_000;
const PAUSE = { baseMs: 1000, capMs: 300_000 };
const NOBODY: ReadonlySet<number> = new Set();

/** Remembers which copies failed lately, so that they are tried later and elsewhere. Of too many the oldest is forgotten. */
export class Setbacks {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #setbacks = new Map<ChunkId, Setback>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get size(): number {
    return this.#setbacks.size;
  }

  /** When the chunk may be tried again, by the monotonic clock; undefined when it may now. */
  notBeforeMs(id: ChunkId): number | undefined {
    const dueMs = this.#setbacks.get(id)?.notBeforeMs;
    return dueMs === undefined || dueMs <= this.#clock.monotonicMs() ? undefined : dueMs;
  }

  /** Nodes that are passed over for now. */
  targetsOf(id: ChunkId): ReadonlySet<number> {
    return this.#setbacks.get(id)?.targets ?? NOBODY;
  }

  /** The target did not take the copy. */
  note(id: ChunkId, target: number): void {
    this.#add(id, [target]);
  }

  /** Of those that have not failed lately none could take it; a chunk that had no setback has none for that. */
  noteStuck(id: ChunkId): void {
    if (this.#setbacks.has(id)) this.#add(id, []);
  }

  #add(id: ChunkId, failed: readonly number[]): void {
    const before = this.#setbacks.get(id);
    const failures = (before?.failures ?? 0) + 1;
    // A node that failed is passed over for a while, not for ever: every few failures all get another chance.
    const known = [...(before?.targets ?? []), ...failed];
    const targets = failures % 4 === 0 ? NOBODY : new Set(known);
    this.#setbacks.delete(id);
    this.#setbacks.set(id, {
      failures,
      notBeforeMs: this.#clock.monotonicMs() + backoffMs(failures, PAUSE, this.#random),
      targets,
    });
    const [oldest] = this.#setbacks.keys();
    if (this.#setbacks.size > SETBACKS_MAX && oldest !== undefined) this.#setbacks.delete(oldest);
  }

  forget(id: ChunkId): void {
    this.#setbacks.delete(id);
  }

  clear(): void {
    this.#setbacks.clear();
  }
}
