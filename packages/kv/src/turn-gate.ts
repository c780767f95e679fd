import { abortError, CairnError } from "@cairnfs/base/errors";

/** So many may wait for their turn; one more is refused. */
const WAITING_MAX = 65_536;

/** Names one turn. */
export type Turn = number;

/** A signal, or how to get it once it is needed. */
export type LateSignal = AbortSignal | (() => AbortSignal);

export function signalOf(given: LateSignal | undefined): AbortSignal | undefined {
  return typeof given === "function" ? given() : given;
}

interface Waiter {
  readonly admit: (turn: Turn) => void;
  /** From the next round of the event loop on, hears of the signal. */
  readonly listen: () => void;
}

/**
 * Lets one at a time through, in order of arrival, so that short work never meets other work. Who keeps the turn for
 * longer than one round of the event loop loses it to the next, and both go on side by side.
 */
export class TurnGate {
  readonly #mayEnter: () => boolean;
  readonly #waiting = new Set<Waiter>();
  /** Those who came in this round: most are admitted in it as well. */
  #newcomers: Waiter[] = [];
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
  enter(signal?: LateSignal): Turn | Promise<Turn> {
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

  /** Whether nobody else has been let in since this turn. */
  holds(turn: Turn): boolean {
    return this.#current === turn;
  }

  #wait(given: LateSignal | undefined): Promise<Turn> {
    return new Promise((resolve, reject) => {
      if (typeof given !== "function" && given?.aborted) {
        reject(abortError(given));
        return;
      }
      if (this.#waiting.size >= WAITING_MAX) {
        reject(new CairnError("overloaded", `${WAITING_MAX} transactions wait for their turn`));
        return;
      }
      let signal: AbortSignal | undefined;
      const onAbort = () => {
        this.#waiting.delete(waiter);
        if (signal !== undefined) reject(abortError(signal));
      };
      const waiter: Waiter = {
        admit: (turn) => {
          signal?.removeEventListener("abort", onAbort);
          resolve(turn);
        },
        listen: () => {
          signal = signalOf(given);
          if (signal?.aborted) onAbort();
          else signal?.addEventListener("abort", onAbort, { once: true });
        },
      };
      this.#waiting.add(waiter);
      if (given !== undefined) this.#newcomers.push(waiter);
      this.#watch();
    });
  }

  #admitNext(): void {
    if (this.#current !== undefined || !this.#mayEnter()) return;
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter);
      waiter.admit(this.#take());
      if (this.#waiting.size > 0) this.#watch();
      return;
    }
  }

  /** Looks once a round of the event loop, and only while somebody waits, whether the turn is still the same. */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const seen = this.#current;
    setImmediate(() => {
      this.#isWatching = false;
      const newcomers = this.#newcomers;
      this.#newcomers = [];
      for (const waiter of newcomers) if (this.#waiting.has(waiter)) waiter.listen();
      if (seen !== undefined && this.#current === seen) this.leave(seen);
      if (this.#waiting.size > 0 && this.#current !== undefined) this.#watch();
    });
  }
}
