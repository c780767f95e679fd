import { counterBytes, counterValue } from "./counter.ts";
import type { SortedCursor } from "./sorted-map.ts";

/** Stands for a key that a newer layer has deleted from the older ones. */
export const TOMBSTONE: unique symbol = Symbol("tombstone");

/** A whole value, or a deletion. */
export type Written = Uint8Array | typeof TOMBSTONE;

/** As `Written`, or a number to be added to the counter that is there. */
export type OwnWrite = Written | number;

/** One state of a store, to be read without waiting. */
export interface View {
  /** The number of the last commit that is in it. */
  readonly sequence: number;
  /** The value at a key, which is given as text, and as bytes too where they are at hand, in memory of its own. */
  get(keyText: string, key?: Uint8Array): Uint8Array | undefined;
  /** The same in the store's memory, which the store may have at hand. */
  getShared(keyText: string, key?: Uint8Array): Uint8Array | undefined;
  /** The cursor's values are the store's: they are copied before they leave. */
  cursor(start: string, end: string, isReverse: boolean): SortedCursor<Uint8Array>;
  /** To be called once, when nothing reads the view any more. */
  release(): void;
}

export interface Layer {
  readonly cursor: SortedCursor<OwnWrite>;
  /** Whether the layer hides what the base has at a key that it says nothing else of. */
  readonly hides?: (key: string) => boolean;
}

/** A cursor over `base` as `layer` changes it. Both are walked in the same direction, and closed together. */
export class LayeredCursor implements SortedCursor<Uint8Array> {
  key: string | undefined;
  value: Uint8Array | undefined;
  readonly #layer: SortedCursor<OwnWrite>;
  readonly #hides: ((key: string) => boolean) | undefined;
  readonly #base: SortedCursor<Uint8Array>;
  readonly #isReverse: boolean;

  constructor(layer: Layer, base: SortedCursor<Uint8Array>, isReverse: boolean) {
    this.#layer = layer.cursor;
    this.#hides = layer.hides;
    this.#base = base;
    this.#isReverse = isReverse;
    this.#settle();
  }

  advance(): void {
    const { key } = this;
    if (this.#layer.key === key) this.#layer.advance();
    if (this.#base.key === key) this.#base.advance();
    this.#settle();
  }

  close(): void {
    this.#layer.close();
    this.#base.close();
  }

  /** Stands on whichever comes first and is not deleted. */
  #settle(): void {
    for (;;) {
      const layerKey = this.#layer.key;
      const baseKey = this.#base.key;
      if (layerKey === undefined || this.#isBefore(baseKey, layerKey)) {
        if (baseKey !== undefined && this.#hides?.(baseKey)) {
          this.#base.advance();
          continue;
        }
        this.key = baseKey;
        this.value = this.#base.value;
        return;
      }
      const written = this.#layer.value;
      if (written !== TOMBSTONE) {
        this.key = layerKey;
        this.value = typeof written === "number" ? this.#sum(layerKey, written) : written;
        return;
      }
      if (baseKey === layerKey) this.#base.advance();
      this.#layer.advance();
    }
  }

  #sum(key: string, delta: number): Uint8Array {
    const before = this.#base.key === key ? this.#base.value : undefined;
    return counterBytes(counterValue(before) + delta);
  }

  #isBefore(baseKey: string | undefined, layerKey: string): boolean {
    if (baseKey === undefined) return false;
    return this.#isReverse ? baseKey > layerKey : baseKey < layerKey;
  }
}
