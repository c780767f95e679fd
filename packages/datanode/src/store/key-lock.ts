/** Lets one task at a time work on each key; those of other keys do not wait for it. */
export class KeyLock<K> {
  readonly #tails = new Map<K, Promise<void>>();

  /** Runs `task` after all that were handed in before it for `key`, and passes its outcome on. */
  async run<T>(key: K, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    let release: () => void = () => undefined;
    const tail = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#tails.set(key, tail);
    await before;
    try {
      return await task();
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
      release();
    }
  }

  /** Resolves when all that was handed in so far is done. */
  async settled(): Promise<void> {
    await Promise.all(this.#tails.values());
  }
}
