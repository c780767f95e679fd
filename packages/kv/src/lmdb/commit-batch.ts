/**
 * What the ledger hands to the writer thread: the last value of each key that a group of commits wrote, in key order.
 *
 *     0       8       12
 *     | ceiling | count | entries ...
 *
 *     entry:  0          2            6
 *             | key size | value size | key | value
 *
 * All integers are big-endian. The ceiling is 0 when it stays as it is. A value size of ffffffff deletes the key.
 * It exists in memory only; writer-thread.js reads it.
 */

import type { SortedView } from "../sorted-map.ts";
import { TOMBSTONE, type Written } from "../view.ts";

const HEADER_BYTES = 12;
const ENTRY_HEADER_BYTES = 6;
const DELETED = 0xffff_ffff;
const TWO_TO_32 = 2 ** 32;
/** Above every key: no byte is above 0xff. */
const KEY_TEXT_END = "\u0100";

/** The most bytes that an entry takes in a batch. */
export function entryBytes(key: string, written: Written): number {
  return ENTRY_HEADER_BYTES + key.length + (written === TOMBSTONE ? 0 : written.byteLength);
}

/** Packs `writes`, which take at most `sizeBytes` together. The buffer can be handed to another thread. */
export function encodeCommitBatch(
  writes: SortedView<Written>,
  sizeBytes: number,
  ceiling: number,
): ArrayBuffer {
  const memory = new ArrayBuffer(HEADER_BYTES + sizeBytes);
  const bytes = Buffer.from(memory);
  let count = 0;
  let at = HEADER_BYTES;
  const cursor = writes.cursor("", KEY_TEXT_END, false);
  for (; cursor.key !== undefined; cursor.advance()) {
    const written = cursor.value;
    if (written === undefined) continue;
    const value = written === TOMBSTONE ? undefined : written;
    bytes.writeUInt16BE(cursor.key.length, at);
    bytes.writeUInt32BE(value?.byteLength ?? DELETED, at + 2);
    at += ENTRY_HEADER_BYTES;
    at += bytes.write(cursor.key, at, "latin1");
    if (value !== undefined) {
      bytes.set(value, at);
      at += value.byteLength;
    }
    count += 1;
  }
  bytes.writeUInt32BE(Math.floor(ceiling / TWO_TO_32), 0);
  bytes.writeUInt32BE(ceiling >>> 0, 4);
  bytes.writeUInt32BE(count, 8);
  return memory;
}
