/**
 * Buffers of chunks, used again: fresh memory of this size costs the system as much as hashing what goes into it. Keeps those of
 * one size, up to a limit.
 */
export class BufferPool {
  readonly #keptBytesMax: number;
  #sizeBytes = 0;
  #kept: Buffer[] = [];

  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** A buffer of exactly this size, with any content. */
  take(sizeBytes: number): Buffer {
    const kept = sizeBytes === this.#sizeBytes ? this.#kept.pop() : undefined;
    return kept ?? Buffer.allocUnsafeSlow(sizeBytes);
  }

  /** Takes back a buffer that nobody refers to any more. */
  give(buffer: Buffer): void {
    if (buffer.byteLength !== this.#sizeBytes) {
      this.#sizeBytes = buffer.byteLength;
      this.#kept = [];
    }
    if ((this.#kept.length + 1) * this.#sizeBytes <= this.#keptBytesMax) this.#kept.push(buffer);
  }

  /** Lets go of everything that is kept. */
  clear(): void {
    this.#kept = [];
  }
}
