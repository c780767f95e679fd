import { type Clock, SystemClock } from "@cairnfs/base/clock";
import { type Random, SystemRandom } from "@cairnfs/base/random";
import type { Awaitable, KvReader, KvStore, KvTransaction, TransactOptions } from "../kv-store.ts";
import type { Ledger } from "../ledger.ts";
import { SnapshotReader } from "../snapshot-reader.ts";
import { SortedMap } from "../sorted-map.ts";
import { closed, Transactor } from "../transactor.ts";
import type { View } from "../view.ts";
import type { ResolvedWrite } from "../write-buffer.ts";
import { MapView, snapshotOf, writeToMap } from "./map-view.ts";

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

  transact<T>(body: (tx: KvTransaction) => Awaitable<T>, options?: TransactOptions): Promise<T> {
    return this.#transactor.transact(body, options);
  }

  async read<T>(body: (reader: KvReader) => Awaitable<T>): Promise<T> {
    if (this.#isClosed) throw closed();
    const view = this.#ledger.view();
    const reader = new SnapshotReader(snapshotOf(view));
    try {
      return await body(reader);
    } finally {
      reader.end();
      view.release();
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
  #view: MapView | undefined;

  view(): View {
    this.#view ??= new MapView(this.sequence, this.#map);
    return this.#view.hold();
  }

  apply(writes: readonly ResolvedWrite[], hasAppends: boolean): void {
    this.#view?.detach();
    this.#view = undefined;
    writeToMap(this.#map, writes);
    this.sequence += 1;
    if (!hasAppends) return;
    for (const listener of this.listeners) queueMicrotask(listener);
  }

  durable(): undefined {
    return undefined;
  }
}
