import { keyBytes, keyText } from "../key-text.ts";
import type { KvEntry, KvRange } from "../kv-store.ts";
import type { Snapshot } from "../snapshot-reader.ts";
import type { SortedCursor } from "../sorted-map.ts";
import { LayeredCursor, TOMBSTONE, type View, type Written } from "../view.ts";
import type { LmdbSnapshot } from "./lmdb-snapshot.ts";
import type { Memtable, MemtableRange } from "./memtable.ts";

/** Where the commits are, the newest in `active`. */
export interface Layers {
  readonly active: Memtable;
  /** What a checkpoint is writing. */
  readonly frozen: Memtable | undefined;
  readonly base: LmdbSnapshot;
}

/** The state after one commit: a durable state of LMDB with what was committed since laid over it. */
export class LedgerView implements View {
  readonly sequence: number;
  readonly #layers: Layers;
  readonly #onRelease: () => void;

  /** Holds the layers until it is released. */
  constructor(sequence: number, layers: Layers, onRelease: () => void) {
    this.sequence = sequence;
    this.#layers = layers;
    this.#onRelease = onRelease;
    layers.base.hold();
  }

  release(): void {
    this.#layers.base.release();
    this.#onRelease();
  }

  get(text: string, key?: Uint8Array): Uint8Array | undefined {
    const written = this.#written(text);
    if (written === undefined) return this.#layers.base.get(key ?? keyBytes(text));
    return written === TOMBSTONE ? undefined : Buffer.from(written);
  }

  getShared(text: string, key?: Uint8Array): Uint8Array | undefined {
    const written = this.#written(text);
    if (written === undefined) return this.#layers.base.getShared(text, key ?? keyBytes(text));
    return written === TOMBSTONE ? undefined : written;
  }

  cursor(start: string, end: string, isReverse: boolean): SortedCursor<Uint8Array> {
    const { active, frozen, base } = this.#layers;
    const range = { start, end, isReverse };
    let cursor = base.cursor(start, end, isReverse);
    for (const memtable of [frozen, active]) {
      const layer = memtable?.cursor(range, this.sequence);
      if (layer?.key !== undefined)
        cursor = new LayeredCursor({ cursor: layer }, cursor, isReverse);
    }
    return cursor;
  }

  #written(text: string): Written | undefined {
    const { active, frozen } = this.#layers;
    return active.get(text, this.sequence) ?? frozen?.get(text, this.sequence);
  }
}

/** The same to readers of what is durable, who mostly find nothing laid over it. */
export class DurableSnapshot implements Snapshot {
  readonly #view: LedgerView;
  readonly #layers: Layers;

  constructor(sequence: number, layers: Layers, onRelease: () => void) {
    this.#view = new LedgerView(sequence, layers, onRelease);
    this.#layers = layers;
  }

  release(): void {
    this.#view.release();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const { active, frozen, base } = this.#layers;
    if (active.isEmpty && frozen === undefined) return base.get(key);
    return this.#view.get(keyText(key), key);
  }

  getShared(key: Uint8Array): Uint8Array | undefined {
    return this.#view.getShared(keyText(key), key);
  }

  range(range: KvRange): KvEntry[] {
    const start = keyText(range.start);
    const end = keyText(range.end);
    if (start >= end) return [];
    const isReverse = range.reverse ?? false;
    if (!this.#isWrittenWithin({ start, end, isReverse })) return this.#layers.base.range(range);
    const entries: KvEntry[] = [];
    const cursor = this.#view.cursor(start, end, isReverse);
    while (cursor.key !== undefined && cursor.value !== undefined && entries.length < range.limit) {
      entries.push({ key: keyBytes(cursor.key), value: Buffer.from(cursor.value) });
      cursor.advance();
    }
    cursor.close();
    return entries;
  }

  #isWrittenWithin(range: MemtableRange): boolean {
    const { active, frozen } = this.#layers;
    const { sequence } = this.#view;
    return (
      active.cursor(range, sequence).key !== undefined ||
      frozen?.cursor(range, sequence).key !== undefined
    );
  }
}
