import { PAGE_BYTES, pageBuffer } from "@cairnfs/base/page-memory";
import { BLOCK_BYTES } from "../chunk-id.ts";

/** What the data of a chunk stream comes in: frames of whole sizes, and some header before them. */
const HEADER_BYTES = PAGE_BYTES;
const CLASS_BYTES = [64 * 1024, 256 * 1024, 512 * 1024, 1024 * 1024].map(
  (sizeBytes) => sizeBytes + HEADER_BYTES,
);
/** How much memory may lie ready for messages to come. */
const FREE_BYTES_MAX = 32 * 1024 * 1024;

/** Memory for received messages. */
export interface ReceiveBuffers {
  /** Memory for a message of `sizeBytes`, which may hold an older one. */
  take(sizeBytes: number): Buffer;
}

/** Memory in use, and where it goes when it is given back. */
interface Lease {
  readonly memory: Buffer;
  readonly free: Buffer[];
}

const lent = new WeakMap<ArrayBufferLike, Lease>();
let freeBytes = 0;

/**
 * Memory for large received messages, which readers may give back. Without that each message is new memory, and at some hundred
 * MB/s the collection of it costs as much as the transfer.
 */
class PooledBuffers implements ReceiveBuffers {
  readonly #allocate: (sizeBytes: number) => Buffer;
  readonly #start: (sizeBytes: number) => number;
  readonly #classes = CLASS_BYTES.map((limitBytes) => ({ limitBytes, free: [] as Buffer[] }));

  constructor(
    allocate: (sizeBytes: number) => Buffer,
    /** Where in its memory a message of so many bytes begins; at most `HEADER_BYTES`. */
    start: (sizeBytes: number) => number,
  ) {
    this.#allocate = allocate;
    this.#start = start;
  }

  take(sizeBytes: number): Buffer {
    for (const { limitBytes, free } of this.#classes) {
      if (sizeBytes > limitBytes) continue;
      if (sizeBytes <= limitBytes - 2 * HEADER_BYTES) break;
      let memory = free.pop();
      if (memory === undefined) memory = this.#allocate(limitBytes);
      else freeBytes -= limitBytes;
      lent.set(memory.buffer, { memory, free });
      const start = Math.min(this.#start(sizeBytes), limitBytes - sizeBytes);
      return memory.subarray(start, start + sizeBytes);
    }
    return Buffer.allocUnsafeSlow(sizeBytes);
  }
}

/** For messages that are read and thrown away, or kept by whoever reads them. */
export const receiveBuffers: ReceiveBuffers = new PooledBuffers(Buffer.allocUnsafeSlow, () => 0);

/**
 * For messages whose data goes to a disk: where it ends the message and is whole blocks, as all but the last of a chunk, it begins with a
 * page, so that it can be written from where it is.
 */
export const pagedReceiveBuffers: ReceiveBuffers = new PooledBuffers(pageBuffer, (sizeBytes) => {
  const headerBytes = sizeBytes % BLOCK_BYTES;
  return headerBytes > 0 && headerBytes <= HEADER_BYTES ? HEADER_BYTES - headerBytes : 0;
});

/**
 * Promises that nobody reads the received message any more that `bytes` are a part of: its memory is used for another.
 * Nobody has to, and bytes that were not received are left alone.
 */
export function releaseReceived(bytes: Uint8Array): void {
  const lease = lent.get(bytes.buffer);
  if (lease === undefined) return;
  lent.delete(bytes.buffer);
  const { memory, free } = lease;
  if (freeBytes + memory.byteLength > FREE_BYTES_MAX) return;
  freeBytes += memory.byteLength;
  free.push(memory);
}
