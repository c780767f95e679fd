import { type Random, randomBelow } from "@cairnfs/base/random";
import { TraceHash } from "./trace-hash.ts";

/** Something that is to happen at a virtual time. */
export interface Event {
  readonly atMs: number;
  readonly tiebreak: number;
  readonly order: number;
  readonly callback: () => void;
  isCancelled: boolean;
}

const realSetImmediate = setImmediate;

/**
 * Virtual time for everything of one simulated world. Events fire one at a time, in the order of their time and, where
 * that is the same, of chance; before the next one all promises that can settle have settled. The same seed gives the
 * same run, which the hash of the trace shows.
 */
export class SimScheduler {
  readonly trace = new TraceHash();
  readonly #random: Random;
  #nowMs = 0;
  #order = 0;
  #fired = 0;
  #pending = 0;
  #heap: Event[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many events have fired. */
  get fired(): number {
    return this.#fired;
  }

  /** How many events are to come. */
  get pending(): number {
    return this.#pending;
  }

  after(delayMs: number, callback: () => void): Event {
    const event: Event = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      tiebreak: randomBelow(this.#random, 1 << 20),
      order: this.#order++,
      callback,
      isCancelled: false,
    };
    this.#pending += 1;
    this.#push(event);
    return event;
  }

  cancel(event: Event): void {
    if (event.isCancelled) return;
    event.isCancelled = true;
    this.#pending -= 1;
  }

  /** Lets the world go on until `isDone`, at most to `untilMs`; true when it was done. */
  async runUntil(untilMs: number, isDone: () => boolean = () => false): Promise<boolean> {
    await settle();
    while (!isDone()) {
      const next = this.#peek();
      if (next === undefined || next.atMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return isDone();
      }
      this.#pop();
      // A cancel that comes later finds nothing to do.
      next.isCancelled = true;
      this.#pending -= 1;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#fired += 1;
      this.trace.number(this.#nowMs);
      next.callback();
      await settle();
    }
    return true;
  }

  /** Forgets all that was to come. */
  clear(): void {
    for (const event of this.#heap) event.isCancelled = true;
    this.#heap = [];
    this.#pending = 0;
  }

  #peek(): Event | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top?.isCancelled !== true) return top;
      this.#pop();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      const right = heap[below + 1];
      let child = heap[below];
      if (child === undefined) break;
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below += 1;
      }
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(one: Event, other: Event): boolean {
  if (one.atMs !== other.atMs) return one.atMs < other.atMs;
  if (one.tiebreak !== other.tiebreak) return one.tiebreak < other.tiebreak;
  return one.order < other.order;
}

/** All promises that are ready settle, and what waits for a turn of the event loop has one. */
function settle(): Promise<void> {
  return new Promise((resolve) => realSetImmediate(resolve));
}
