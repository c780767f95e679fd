/** What the data of a chunk stream comes in: frames of whole sizes, and some header before them. */
const HEADER_BYTES = 4 * 1024;
const CLASS_BYTES = [64 * 1024, 256 * 1024, 512 * 1024, 1024 * 1024].map(
  (sizeBytes) => sizeBytes + HEADER_BYTES,
);
/** How much memory may lie ready for messages to come. */
const FREE_BYTES_MAX = 32 * 1024 * 1024;

/**
 * Memory for large received messages, which readers may give back. Without that each message is new memory, and at some hundred
 * MB/s the collection of it costs as much as the transfer.
 */
class ReceiveBuffers {
  readonly #free = new Map<number, Buffer[]>();
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #freeBytes = 0;

  take(sizeBytes: number): Buffer {
    const classBytes = CLASS_BYTES.find(
      (limitBytes) => sizeBytes <= limitBytes && sizeBytes > limitBytes - 2 * HEADER_BYTES,
    );
    if (classBytes === undefined) return Buffer.allocUnsafeSlow(sizeBytes);
    const free = this.#free.get(classBytes)?.pop();
    if (free !== undefined) this.#freeBytes -= classBytes;
    const memory = free ?? Buffer.allocUnsafeSlow(classBytes);
    this.#lent.add(memory.buffer);
    return memory.subarray(0, sizeBytes);
  }

  release(bytes: Uint8Array): void {
    const memory = bytes.buffer;
    if (!this.#lent.delete(memory) || this.#freeBytes + memory.byteLength > FREE_BYTES_MAX) return;
    this.#freeBytes += memory.byteLength;
    const free = this.#free.get(memory.byteLength);
    if (free === undefined) this.#free.set(memory.byteLength, [Buffer.from(memory)]);
    else free.push(Buffer.from(memory));
  }
}

const buffers = new ReceiveBuffers();

/** Memory for a message of `sizeBytes`, which may hold an older one. */
export function takeReceiveBuffer(sizeBytes: number): Buffer {
  return buffers.take(sizeBytes);
}

/**
 * Promises that nobody reads the received message any more that `bytes` are a part of: its memory is used for another.
 * Nobody has to, and bytes that were not received are left alone.
 */
export function releaseReceived(bytes: Uint8Array): void {
  buffers.release(bytes);
}
