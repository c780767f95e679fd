import { backoffMs } from "@cairnfs/base/backoff";
import type { Clock } from "@cairnfs/base/clock";
import { abortError, CairnError } from "@cairnfs/base/errors";
import type { Random } from "@cairnfs/base/random";
import { CommitHistory } from "./commit-history.ts";
import type { Awaitable, KvTransaction, TransactOptions } from "./kv-store.ts";
import { type Ledger, RolledBack } from "./ledger.ts";
import { RecordingTransaction } from "./recording-transaction.ts";
import { type LateSignal, signalOf, type Turn, TurnGate } from "./turn-gate.ts";
import type { View } from "./view.ts";
import type { ResolvedWrite } from "./write-buffer.ts";

export interface TransactorParts {
  readonly clock: Clock;
  readonly random: Random;
}

const ATTEMPTS_MAX = 30;
const RETRY_PAUSE = { baseMs: 1, capMs: 100 };

/** The body has to run again. */
const CONFLICT: unique symbol = Symbol("conflict");

/** How a body ended. Nobody hears of it before what it saw is durable. */
type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/**
 * Runs bodies one at a time over the last state of a ledger and puts their commits in one order, without waiting for
 * the disk. A body that takes its time runs beside others, and is checked against their commits at its end.
 */
export class Transactor {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #gate: TurnGate;
  readonly #history: CommitHistory;
  #running = 0;
  #unfinished = 0;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(ledger: Ledger, parts: TransactorParts) {
    this.#ledger = ledger;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#gate = new TurnGate(() => !ledger.isFull);
    this.#history = new CommitHistory(ledger.sequence);
  }

  /** To be called when the ledger takes commits again. */
  makeRoom(): void {
    this.#gate.poke();
  }

  async transact<T>(
    body: (tx: KvTransaction) => Awaitable<T>,
    options?: TransactOptions,
  ): Promise<T> {
    if (this.#closing !== undefined) throw closed();
    const given = options?.signal;
    if (typeof given !== "function" && given?.aborted) throw abortError(given);
    this.#unfinished += 1;
    try {
      for (let attempt = 1; ; attempt++) {
        const outcome = await this.#attempt(body, given, options?.grows === true);
        if (outcome !== CONFLICT) {
          if ("error" in outcome) throw outcome.error;
          return outcome.value;
        }
        if (attempt >= ATTEMPTS_MAX) {
          throw new CairnError(
            "transactionConflict",
            `a transaction met others' changes in all of ${attempt} attempts`,
          );
        }
        await this.#pause(attempt, signalOf(given));
      }
    } finally {
      this.#unfinished -= 1;
      if (this.#unfinished === 0) this.#onIdle?.();
    }
  }

  /** Refuses new transactions and resolves when those under way have ended. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.#unfinished === 0) resolve();
      else this.#onIdle = resolve;
    });
    return this.#closing;
  }

  async #attempt<T>(
    body: (tx: KvTransaction) => Awaitable<T>,
    given: LateSignal | undefined,
    grows: boolean,
  ): Promise<Outcome<T> | typeof CONFLICT> {
    const entered = this.#gate.enter(given);
    const turn: Turn = typeof entered === "number" ? entered : await entered;
    let outcome: Outcome<T>;
    let writes: readonly ResolvedWrite[] | undefined;
    let sequence: number;
    try {
      const view = this.#ledger.view();
      const tx = new RecordingTransaction(view);
      this.#running += 1;
      try {
        outcome = await runBody(body, tx);
        // A body that still has its turn has made nobody wait.
        const isQuick = typeof given === "function" && this.#gate.holds(turn);
        const signal = isQuick ? undefined : signalOf(given);
        if (signal?.aborted) throw abortError(signal);
        if (this.#isStale(tx, view)) return CONFLICT;
        if ("value" in outcome && !tx.writes.isEmpty) {
          if (grows && this.#ledger.refusesGrowth?.() === true) throw noRoomToGrow();
          writes = this.#resolve(tx);
        }
      } finally {
        this.#running -= 1;
        // Before the commit is applied: a view that nobody holds need not be kept as it is.
        view.release();
      }
      if (writes !== undefined) this.#apply(writes, tx.writes.hasAppends);
      // Before the disk has what the body saw, its outcome may yet turn out to be about nothing.
      sequence = writes === undefined ? view.sequence : this.#ledger.sequence;
    } finally {
      this.#gate.leave(turn);
    }
    const durable = this.#ledger.durable(sequence);
    return durable === undefined ? outcome : settle(outcome, durable, writes !== undefined);
  }

  #isStale(tx: RecordingTransaction, view: View): boolean {
    if (view.sequence === this.#ledger.sequence) return false;
    if (view.sequence < this.#ledger.validFrom) return true;
    return this.#history.hasChanged(tx.reads, view.sequence);
  }

  #resolve(tx: RecordingTransaction): ResolvedWrite[] {
    const latest = this.#ledger.view();
    try {
      return tx.writes.resolve(latest, this.#ledger.sequence + 1);
    } finally {
      latest.release();
    }
  }

  #apply(writes: readonly ResolvedWrite[], hasAppends: boolean): void {
    this.#ledger.apply(writes, hasAppends);
    // Bodies that run beside this one have an older view.
    if (this.#running > 0) this.#history.record(this.#ledger.sequence, writes);
    else this.#history.forget(this.#ledger.sequence);
  }

  #pause(failures: number, signal: AbortSignal | undefined): Promise<void> {
    return this.#clock
      .sleep(backoffMs(failures, RETRY_PAUSE, this.#random), signal)
      .catch((error: unknown) => {
        throw signal?.aborted ? abortError(signal) : error;
      });
  }
}

function noRoomToGrow(): CairnError {
  return new CairnError(
    "storeFull",
    "the disk of the metadata store is full: what room is left is kept for deletions",
  );
}

/** What a closed store answers. */
export function closed(): CairnError {
  return new CairnError("shuttingDown", "the metadata store is closed");
}

async function runBody<T>(
  body: (tx: KvTransaction) => Awaitable<T>,
  tx: RecordingTransaction,
): Promise<Outcome<T>> {
  try {
    return { value: await body(tx) };
  } catch (error) {
    return { error };
  } finally {
    tx.end();
  }
}

async function settle<T>(
  outcome: Outcome<T>,
  durable: Promise<void>,
  isAuthor: boolean,
): Promise<Outcome<T> | typeof CONFLICT> {
  try {
    await durable;
    return outcome;
  } catch (error) {
    // Others' commits that cannot be stored are no concern of a transaction that has only seen them.
    if (error instanceof RolledBack || !isAuthor) return CONFLICT;
    throw error;
  }
}
