import { assert } from "./assert.ts";

/** Bounded memory for buffers: who wants bytes waits, first come first served, until they are free. */
export class ByteBudget {
  readonly totalBytes: number;
  #freeBytes: number;
  #peakBytes = 0;
  readonly #waiting: { readonly sizeBytes: number; readonly admit: () => void }[] = [];

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
    this.#freeBytes = totalBytes;
  }

  get usedBytes(): number {
    return this.totalBytes - this.#freeBytes;
  }

  /** The most that was ever reserved at once. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Reserves `sizeBytes` if that needs no waiting, and gives the function that gives them back; else `undefined`. */
  tryTake(sizeBytes: number): (() => void) | undefined {
    const reservedBytes = Math.min(sizeBytes, this.totalBytes);
    if (this.#waiting.length > 0 || this.#freeBytes < reservedBytes) return undefined;
    this.#reserve(reservedBytes);
    return this.#giver(reservedBytes);
  }

  /**
   * Resolves when `sizeBytes` are reserved, with the function that gives them back (once).
   * A request above the whole budget counts as the whole budget.
   */
  async take(sizeBytes: number, signal?: AbortSignal): Promise<() => void> {
    const reservedBytes = Math.min(sizeBytes, this.totalBytes);
    signal?.throwIfAborted();
    if (this.#waiting.length > 0 || this.#freeBytes < reservedBytes) {
      await this.#wait(reservedBytes, signal);
    } else {
      this.#reserve(reservedBytes);
    }
    return this.#giver(reservedBytes);
  }

  #reserve(sizeBytes: number): void {
    this.#freeBytes -= sizeBytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.usedBytes);
  }

  #giver(reservedBytes: number): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#give(reservedBytes);
    };
  }

  #wait(sizeBytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = {
        sizeBytes,
        admit: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(request), 1);
        this.#admitNext();
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(request);
    });
  }

  #give(sizeBytes: number): void {
    this.#freeBytes += sizeBytes;
    assert(this.#freeBytes <= this.totalBytes, "more bytes came back than were taken");
    this.#admitNext();
  }

  #admitNext(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (next.sizeBytes > this.#freeBytes) return;
      this.#reserve(next.sizeBytes);
      this.#waiting.shift();
      next.admit();
    }
  }
}
