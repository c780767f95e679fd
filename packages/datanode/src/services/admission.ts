import { ByteBudget } from "@cairnfs/base/byte-budget";
import { CairnError } from "@cairnfs/base/errors";

/** The reservation of one stream, held or waited for. */
export interface Ticket {
  readonly isWaiting: boolean;
  /** Resolves when the stream may begin; rejects when the signal fires first. */
  readonly admitted: Promise<void>;
  /** Gives the memory back, or the place in the queue up. */
  release(): void;
}

/**
 * Lets streams in as far as there is memory for what they may have in flight. Those that clients open and those that other nodes
 * forward have budgets of their own: two nodes whose clients' streams wait for each other's room would wait for ever.
 */
export class Admission {
  readonly #budgets: { readonly own: ByteBudget; readonly forwarded: ByteBudget };
  readonly #waitingMax: number;
  #waiting = 0;

  constructor(options: { readonly totalBytes: number; readonly waitingMax: number }) {
    // With three copies a chunk is forwarded twice for each time it is sent.
    const forwardedBytes = Math.ceil((options.totalBytes * 2) / 3);
    this.#budgets = {
      own: new ByteBudget(options.totalBytes - forwardedBytes),
      forwarded: new ByteBudget(forwardedBytes),
    };
    this.#waitingMax = options.waitingMax;
  }

  get usedBytes(): number {
    return this.#budgets.own.usedBytes + this.#budgets.forwarded.usedBytes;
  }

  /**
   * Asks for `sizeBytes`; `overloaded` when too many wait already. The ticket must be released. Only who has to wait is asked for the
   * signal, which a call makes when it is first wanted.
   */
  enter(
    kind: "own" | "forwarded",
    sizeBytes: number,
    call: { readonly signal: AbortSignal },
  ): Ticket {
    const budget = this.#budgets[kind];
    const giveBack = budget.tryTake(sizeBytes);
    if (giveBack !== undefined) {
      return { isWaiting: false, admitted: Promise.resolve(), release: giveBack };
    }
    if (this.#waiting >= this.#waitingMax) {
      throw new CairnError("overloaded", `${this.#waiting} streams wait for memory already`);
    }
    this.#waiting += 1;
    const taken = budget.take(sizeBytes, call.signal).finally(() => {
      this.#waiting -= 1;
    });
    const admitted = taken.then(() => undefined);
    // Who left before its turn does not hear of it.
    admitted.catch(() => undefined);
    return {
      isWaiting: true,
      admitted,
      release: () => {
        void taken.then(
          (release) => release(),
          () => undefined,
        );
      },
    };
  }
}
