import { abortable } from "../abort.ts";

const FIRST_BUFFER_BYTES = 256 * 1024;

/** Cuts a one-shot source into pieces of exactly the size asked for, the last one shorter. Copies: the parts stay the source's. */
export class Chunker {
  readonly #parts: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #hasEnded = false;

  #takenBytes = 0;

  constructor(parts: AsyncIterator<Uint8Array>) {
    this.#parts = parts;
  }

  /**
   * The next `lengthBytes`, or what is left when the source ends before. The bytes are the caller's, in memory of `allocate` where so many
   * are expected.
   */
  async take(
    lengthBytes: number,
    signal: AbortSignal,
    {
      allocate = Buffer.allocUnsafeSlow,
      // A short stream does not cost a whole chunk of memory.
      isExpected = this.#takenBytes > 0,
    }: { allocate?: (sizeBytes: number) => Buffer; isExpected?: boolean } = {},
  ): Promise<Buffer> {
    let buffer = isExpected
      ? allocate(lengthBytes)
      : Buffer.allocUnsafeSlow(Math.min(lengthBytes, FIRST_BUFFER_BYTES));
    let filledBytes = 0;
    while (filledBytes < lengthBytes && !(await this.isAtEnd(signal))) {
      const part = this.#rest.subarray(0, lengthBytes - filledBytes);
      if (filledBytes + part.byteLength > buffer.byteLength) {
        const grown = Buffer.allocUnsafeSlow(
          Math.min(lengthBytes, Math.max(buffer.byteLength * 4, filledBytes + part.byteLength)),
        );
        buffer.copy(grown, 0, 0, filledBytes);
        buffer = grown;
      }
      buffer.set(part, filledBytes);
      filledBytes += part.byteLength;
      this.#rest = this.#rest.subarray(part.byteLength);
    }
    this.#takenBytes += filledBytes;
    return buffer.subarray(0, filledBytes);
  }

  /** Puts bytes back that were taken: they come first again. */
  putBack(bytes: Uint8Array): void {
    this.#takenBytes -= bytes.byteLength;
    if (this.#rest.byteLength === 0) this.#rest = bytes;
    else this.#rest = Buffer.concat([bytes, this.#rest]);
  }

  /** Whether nothing is left; waits for the source to say so. */
  async isAtEnd(signal: AbortSignal): Promise<boolean> {
    while (this.#rest.byteLength === 0 && !this.#hasEnded) {
      const next = await abortable(this.#parts.next(), signal);
      if (this.#hasEnded) break;
      if (next.done === true) this.#hasEnded = true;
      else this.#rest = next.value;
    }
    return this.#rest.byteLength === 0;
  }

  /** Tells the source that no more is wanted, and does not wait for it: it may hang for ever. */
  cancel(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    // The upload has its outcome already; what the source says to its end changes nothing.
    this.#parts.return?.().catch(() => undefined);
  }
}
