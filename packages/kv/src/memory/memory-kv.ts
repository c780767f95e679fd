import { type Clock, SystemClock } from "@cairnfs/base/clock";
import { type Random, SystemRandom } from "@cairnfs/base/random";
import type { KvReader, KvStore, KvTransaction, TransactOptions } from "../kv-store.ts";
import type { Ledger } from "../ledger.ts";
import { SortedMap } from "../sorted-map.ts";
import { closed, Transactor } from "../transactor.ts";
import { TOMBSTONE, type View } from "../view.ts";
import { ViewReader } from "../view-reader.ts";
import type { ResolvedWrite } from "../write-buffer.ts";

export interface MemoryKvParts {
  /** For the pauses between attempts. */
  readonly clock?: Clock;
  readonly random?: Random;
}

/** A store in memory, for tests and simulation: everything is durable at once, until the process ends. */
export class MemoryKv implements KvStore {
  readonly #ledger = new MemoryLedger();
  readonly #transactor: Transactor;
  #isClosed = false;

  constructor(parts: MemoryKvParts = {}) {
    this.#transactor = new Transactor(this.#ledger, {
      clock: parts.clock ?? new SystemClock(),
      random: parts.random ?? new SystemRandom(),
    });
  }

  transact<T>(body: (tx: KvTransaction) => Promise<T>, options?: TransactOptions): Promise<T> {
    return this.#transactor.transact(body, options);
  }

  async read<T>(body: (reader: KvReader) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw closed();
    const reader = new ViewReader(this.#ledger.view());
    try {
      return await body(reader);
    } finally {
      reader.end();
    }
  }

  onAppend(listener: () => void): () => void {
    this.#ledger.listeners.add(listener);
    return () => void this.#ledger.listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#transactor.close();
  }
}

class MemoryLedger implements Ledger {
  readonly listeners = new Set<() => void>();
  readonly isFull = false;
  readonly validFrom = 0;
  sequence = 0;
  readonly #map = new SortedMap<Uint8Array>();
  #view: View | undefined;

  view(): View {
    if (this.#view === undefined) {
      const map = this.#map.snapshot();
      this.#view = {
        sequence: this.sequence,
        get: (keyText) => {
          const value = map.get(keyText);
          return value === undefined ? undefined : Buffer.from(value);
        },
        cursor: (start, end, isReverse) => map.cursor(start, end, isReverse),
        release: () => undefined,
      };
    }
    return this.#view;
  }

  apply(writes: readonly ResolvedWrite[], hasAppends: boolean): void {
    for (const { key, written } of writes) {
      if (written === TOMBSTONE) this.#map.delete(key);
      else this.#map.set(key, written);
    }
    this.sequence += 1;
    this.#view = undefined;
    if (!hasAppends) return;
    for (const listener of this.listeners) queueMicrotask(listener);
  }

  durable(): undefined {
    return undefined;
  }
}
