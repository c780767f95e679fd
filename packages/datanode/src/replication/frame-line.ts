import { assert } from "@cairnfs/base/assert";

interface Taker<T> {
  readonly resolve: (result: IteratorResult<T>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Frames on their way from the one that receives a chunk to one that takes it, in order. Who pushes looks after the limit: no
 * more is pushed than the slowest taker is allowed to be behind.
 */
export class FrameLine<T> implements AsyncIterableIterator<T> {
  #frames: T[] = [];
  #ending: "end" | { readonly error: unknown } | undefined;
  #taker: Taker<T> | undefined;

  push(frame: T): void {
    assert(this.#ending !== "end", "a frame follows the last one");
    if (this.#ending !== undefined) return;
    const taker = this.#taker;
    this.#taker = undefined;
    if (taker === undefined) this.#frames.push(frame);
    else taker.resolve({ done: false, value: frame });
  }

  /** No more frames; those that wait are still taken. */
  end(): void {
    this.#ending ??= "end";
    this.#taker?.resolve({ done: true, value: undefined });
    this.#taker = undefined;
  }

  /** Forgets the frames that wait and makes the taker fail. */
  fail(error: unknown): void {
    this.#frames = [];
    this.#ending = { error };
    this.#taker?.reject(error);
    this.#taker = undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve({ done: false, value: frame });
    const ending = this.#ending;
    if (ending === "end") return Promise.resolve({ done: true, value: undefined });
    if (ending !== undefined) return Promise.reject(ending.error);
    return new Promise((resolve, reject) => {
      this.#taker = { resolve, reject };
    });
  }
}
