/**
 * One producer's newest value for one consumer: a value that was not read yet is replaced, so nothing piles up.
 * Iterate it once.
 */
export class Latest<T> implements AsyncIterable<T> {
  #value: T | undefined;
  #ending: { readonly error: unknown } | "end" | undefined;
  #wake: (() => void) | undefined;

  /** Offers `value` instead of one that waits still. Nothing after `end` or `fail`. */
  set(value: T): void {
    if (this.#ending !== undefined) return;
    this.#value = value;
    this.#wake?.();
  }

  /** Ends the iteration once the value that waits is read. */
  end(): void {
    this.#ending ??= "end";
    this.#wake?.();
  }

  /** Makes the iteration throw `error`; a value that waits is forgotten. */
  fail(error: unknown): void {
    if (this.#ending !== undefined) return;
    this.#ending = { error };
    this.#value = undefined;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const value = this.#value;
        if (value !== undefined) {
          this.#value = undefined;
          yield value;
        } else if (this.#ending !== undefined) {
          if (this.#ending !== "end") throw this.#ending.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = undefined;
        }
      }
    } finally {
      this.end();
    }
  }
}
