import { assert } from "@cairnfs/base/assert";

/**
 * Frames on their way from the one that receives a chunk to one that takes it, in order. Who pushes looks after the limit: no
 * more is pushed than the slowest taker is allowed to be behind.
 */
export class FrameLine<T> implements AsyncIterable<T> {
  #frames: T[] = [];
  #ending: "end" | { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(frame: T): void {
    assert(this.#ending !== "end", "a frame follows the last one");
    if (this.#ending !== undefined) return;
    this.#frames.push(frame);
    this.#wake?.();
  }

  /** No more frames; those that wait are still taken. */
  end(): void {
    this.#ending ??= "end";
    this.#wake?.();
  }

  /** Forgets the frames that wait and makes the taker fail. */
  fail(error: unknown): void {
    this.#frames = [];
    this.#ending = { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) {
        yield frame;
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
  }
}
