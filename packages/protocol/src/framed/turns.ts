import type { Clock } from "@cairnfs/base/clock";
import { abortError, CairnError } from "@cairnfs/base/errors";
import { Deadlines } from "./deadlines.ts";

/** How many calls may wait for a turn; more are refused as `overloaded`. */
const WAITING_MAX = 16_384;

/** One who waits for room. One of the two is called, once. */
export interface Turn {
  /** There is room, and it is this one's; it must be taken before this returns. */
  begin(): void;
  refuse(error: CairnError): void;
}

interface Waiting {
  readonly turn: Turn;
  readonly deadlineMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: () => void;
}

/** Who waits for room, first come first served; nobody longer than it wants to. */
export class Turns {
  readonly #deadlines: Deadlines;
  readonly #waiting = new Set<Waiting>();

  constructor(clock: Clock) {
    this.#deadlines = new Deadlines(clock, (nowMs) => this.#expire(nowMs));
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Lines up. `overloaded` when too many wait already. */
  wait(
    turn: Turn,
    {
      signal,
      timeoutMs,
    }: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined },
  ): void {
    if (this.#waiting.size >= WAITING_MAX) {
      throw new CairnError("overloaded", `${WAITING_MAX} calls wait for this peer already`);
    }
    const waiting: Waiting = {
      turn,
      signal,
      deadlineMs: timeoutMs === undefined ? undefined : this.#deadlines.watch(timeoutMs),
      onAbort: () => {
        this.#leave(waiting);
        if (signal !== undefined) turn.refuse(abortError(signal));
      },
    };
    signal?.addEventListener("abort", waiting.onAbort);
    this.#waiting.add(waiting);
  }

  /** Lets those in who come first, as long as there is room. */
  admitWhile(hasRoom: () => boolean): void {
    while (!this.isEmpty && hasRoom()) {
      for (const waiting of this.#waiting) {
        this.#leave(waiting);
        waiting.turn.begin();
        break;
      }
    }
  }

  refuse(error: CairnError): void {
    for (const waiting of this.#waiting) {
      this.#leave(waiting);
      waiting.turn.refuse(error);
    }
  }

  #leave(waiting: Waiting): void {
    waiting.signal?.removeEventListener("abort", waiting.onAbort);
    this.#waiting.delete(waiting);
    if (this.isEmpty) this.#deadlines.close();
  }

  /** Refuses what is late, and gives the next deadline. */
  #expire(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const waiting of this.#waiting) {
      const { deadlineMs, turn } = waiting;
      if (deadlineMs === undefined) continue;
      if (deadlineMs > nowMs) nextMs = Math.min(nextMs, deadlineMs);
      else {
        this.#leave(waiting);
        turn.refuse(new CairnError("deadlineExceeded", "the call's turn did not come in time"));
      }
    }
    return nextMs;
  }
}
