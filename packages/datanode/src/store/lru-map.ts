/** A map that keeps the entries used last and lets go of the others. */
export class LruMap<K, V> {
  readonly #entriesMax: number;
  readonly #entries = new Map<K, V>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Sets the entry and gives back the value that had to go for it, if one did. */
  set(key: K, value: V): V | undefined {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#entriesMax) return undefined;
    for (const [oldest, evicted] of this.#entries) {
      this.#entries.delete(oldest);
      return evicted;
    }
    return undefined;
  }

  delete(key: K): V | undefined {
    const value = this.#entries.get(key);
    this.#entries.delete(key);
    return value;
  }

  values(): IterableIterator<V> {
    return this.#entries.values();
  }
}
