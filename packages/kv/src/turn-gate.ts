import { abortError, CairnError } from "@cairnfs/base/errors";

/** So many may wait for their turn; one more is refused. */
const WAITING_MAX = 65_536;

/** Names one turn. */
export type Turn = number;

/**
 * Lets one at a time through, in order of arrival, so that short work never meets other work. Who keeps the turn for
 * longer than one round of the event loop loses it to the next, and both go on side by side.
 */
export class TurnGate {
  readonly #mayEnter: () => boolean;
  readonly #waiting = new Set<(turn: Turn) => void>();
  #lastTurn: Turn = 0;
  #current: Turn | undefined;
  #isWatching = false;

  /** While `mayEnter` says no everybody waits; `poke` makes the gate ask again. */
  constructor(mayEnter: () => boolean) {
    this.#mayEnter = mayEnter;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** The turn, to be given back with `leave`. It rejects when `signal` fires or too many wait. */
  enter(signal?: AbortSignal): Turn | Promise<Turn> {
    if (this.#current === undefined && this.#waiting.size === 0 && this.#mayEnter()) {
      return this.#take();
    }
    return this.#wait(signal);
  }

  leave(turn: Turn): void {
    if (this.#current !== turn) return;
    this.#current = undefined;
    this.#admitNext();
  }

  /** Lets the next one in if that has become possible. */
  poke(): void {
    this.#admitNext();
  }

  #take(): Turn {
    this.#lastTurn += 1;
    this.#current = this.#lastTurn;
    return this.#lastTurn;
  }

  #wait(signal: AbortSignal | undefined): Promise<Turn> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(abortError(signal));
        return;
      }
      if (this.#waiting.size >= WAITING_MAX) {
        reject(new CairnError("overloaded", `${WAITING_MAX} transactions wait for their turn`));
        return;
      }
      const onAbort = () => {
        this.#waiting.delete(admit);
        if (signal !== undefined) reject(abortError(signal));
      };
      const admit = (turn: Turn) => {
        signal?.removeEventListener("abort", onAbort);
        resolve(turn);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(admit);
      this.#watch();
    });
  }

  #admitNext(): void {
    if (this.#current !== undefined || !this.#mayEnter()) return;
    for (const admit of this.#waiting) {
      this.#waiting.delete(admit);
      admit(this.#take());
      if (this.#waiting.size > 0) this.#watch();
      return;
    }
  }

  /** Looks once a round of the event loop, and only while somebody waits, whether the turn is still the same. */
  #watch(): void {
    if (this.#isWatching || this.#current === undefined) return;
    this.#isWatching = true;
    const seen = this.#current;
    setImmediate(() => {
      this.#isWatching = false;
      if (this.#current === seen) this.leave(seen);
      if (this.#waiting.size > 0) this.#watch();
    });
  }
}
