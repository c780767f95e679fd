import { type Clock, SystemClock } from "@cairnfs/base/clock";
import { type Random, SystemRandom } from "@cairnfs/base/random";
import { keyBytes, keyText } from "../key-text.ts";
import type {
  Awaitable,
  KvEntry,
  KvRange,
  KvReader,
  KvStore,
  KvTransaction,
  TransactOptions,
} from "../kv-store.ts";
import type { Ledger } from "../ledger.ts";
import { type Snapshot, SnapshotReader } from "../snapshot-reader.ts";
import { type SortedCursor, SortedMap, type SortedView } from "../sorted-map.ts";
import { closed, Transactor } from "../transactor.ts";
import { TOMBSTONE, type View } from "../view.ts";

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
  #view: MemoryView | undefined;

  view(): View {
    this.#view ??= new MemoryView(this.sequence, this.#map);
    return this.#view.hold();
  }

  apply(writes: readonly ResolvedWrite[], hasAppends: boolean): void {
    this.#view?.detach();
    this.#view = undefined;
    for (const { key, written } of writes) {
      if (written === TOMBSTONE) this.#map.delete(key);
      else this.#map.set(key, written);
    }
    this.sequence += 1;
    if (!hasAppends) return;
    for (const listener of this.listeners) queueMicrotask(listener);
  }

  durable(): undefined {
    return undefined;
  }
}

/** Reads the map itself until the map is about to change, and a snapshot of it from then on. */
class MemoryView implements View {
  readonly sequence: number;
  #map: SortedView<Uint8Array>;
  readonly #live: SortedMap<Uint8Array>;
  #holders = 0;

  constructor(sequence: number, map: SortedMap<Uint8Array>) {
    this.sequence = sequence;
    this.#live = map;
    this.#map = map;
  }

  hold(): this {
    this.#holders += 1;
    return this;
  }

  release(): void {
    this.#holders -= 1;
  }

  /** To be called before the map changes. A view that nobody holds needs no snapshot. */
  detach(): void {
    if (this.#holders > 0) this.#map = this.#live.snapshot();
  }

  get(keyText: string): Uint8Array | undefined {
    const value = this.#map.get(keyText);
    return value === undefined ? undefined : Buffer.from(value);
  }

  getShared(keyText: string): Uint8Array | undefined {
    return this.#map.get(keyText);
  }

  cursor(start: string, end: string, isReverse: boolean): SortedCursor<Uint8Array> {
    return this.#map.cursor(start, end, isReverse);
  }
}

function snapshotOf(view: View): Snapshot {
  return {
    get: (key) => view.get(keyText(key)),
    getShared: (key) => view.getShared(keyText(key)),
    range: (range) => readRange(view, range),
  };
}

function readRange(view: View, range: KvRange): KvEntry[] {
  const start = keyText(range.start);
  const end = keyText(range.end);
  const entries: KvEntry[] = [];
  if (start >= end) return entries;
  const cursor = view.cursor(start, end, range.reverse ?? false);
  while (cursor.key !== undefined && cursor.value !== undefined && entries.length < range.limit) {
    entries.push({ key: keyBytes(cursor.key), value: Buffer.from(cursor.value) });
    cursor.advance();
  }
  cursor.close();
  return entries;
}
