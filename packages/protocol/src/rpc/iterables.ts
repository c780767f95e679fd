/** An iterable of one item. */
export function once<T>(item: T): AsyncIterable<T> {
  return {
    async *[Symbol.asyncIterator]() {
      yield item;
    },
  };
}

/**
 * `source` with each item changed by `change`. Unlike a generator it passes `return` on at once, even while an item
 * is being waited for. `onEnd` is called once, however it ends.
 */
export function mapped<A, B>(
  source: AsyncIterable<A>,
  change: (item: A) => B,
  onEnd: () => void = () => undefined,
): AsyncIterable<B> {
  return {
    [Symbol.asyncIterator]: () => new MappedIterator(source[Symbol.asyncIterator](), change, onEnd),
  };
}

class MappedIterator<A, B> implements AsyncIterator<B> {
  readonly #source: AsyncIterator<A>;
  readonly #change: (item: A) => B;
  readonly #onEnd: () => void;
  #hasEnded = false;

  constructor(source: AsyncIterator<A>, change: (item: A) => B, onEnd: () => void) {
    this.#source = source;
    this.#change = change;
    this.#onEnd = onEnd;
  }

  async next(): Promise<IteratorResult<B>> {
    if (this.#hasEnded) return { done: true, value: undefined };
    let item: IteratorResult<A>;
    try {
      item = await this.#source.next();
    } catch (error) {
      this.#end();
      throw error;
    }
    if (item.done === true) {
      this.#end();
      return { done: true, value: undefined };
    }
    try {
      return { done: false, value: this.#change(item.value) };
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<B>> {
    if (!this.#hasEnded) {
      this.#end();
      await this.#source.return?.();
    }
    return { done: true, value: undefined };
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd();
  }
}

/** `source` as it is, whose end or failure is told as well. Passes `return` on at once. */
export function observed<T>(
  source: AsyncIterable<T>,
  observer: { onEnd(): void; onFailed(error: unknown): void },
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => {
      const items = source[Symbol.asyncIterator]();
      return {
        next: () =>
          items.next().then(
            (item) => {
              if (item.done === true) observer.onEnd();
              return item;
            },
            (error: unknown) => {
              observer.onFailed(error);
              throw error;
            },
          ),
        return: async () => {
          await items.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
