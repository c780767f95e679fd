import { keyBytes, keyText } from "../key-text.ts";
import type { KvEntry, KvRange } from "../kv-store.ts";
import type { Snapshot } from "../snapshot-reader.ts";
import type { SortedCursor, SortedMap, SortedView } from "../sorted-map.ts";
import { TOMBSTONE, type View } from "../view.ts";
import type { ResolvedWrite } from "../write-buffer.ts";

/** Reads the map itself until the map is about to change, and a snapshot of it from then on. */
export class MapView implements View {
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

/** Carries resolved writes out on a map. */
export function writeToMap(map: SortedMap<Uint8Array>, writes: readonly ResolvedWrite[]): void {
  for (const { key, written } of writes) {
    if (written === TOMBSTONE) map.delete(key);
    else map.set(key, written);
  }
}

/** What readers see of a view; the bytes that they get are theirs. */
export function snapshotOf(view: View): Snapshot {
  return {
    get: (key) => view.get(keyText(key)),
    getShared: (key) => view.getShared(keyText(key)),
    range: (range) => readRange(view, range),
  };
}

function readRange(view: Pick<View, "cursor">, range: KvRange): KvEntry[] {
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
