/**
 * What a checkpoint hands to the writer thread: the last value of each key that some groups of commits wrote, in any order.
 *
 *     0         8         16      20
 *     | ceiling | applied | count | entries ...
 *
 *     entry:  0          2            6
 *             | key size | value size | key | value
 *
 * All integers are big-endian. The ceiling is 0 when it stays as it is. `applied` is the last commit of which everything is in the
 * batch or was before; 0 when that stays as it is. A value size of ffffffff deletes the key. It exists in memory only; writer-thread.js reads it.
 */

import { TOMBSTONE, type Written } from "../view.ts";
import { writeU64 } from "./u64.ts";

const HEADER_BYTES = 20;
const ENTRY_HEADER_BYTES = 6;
const DELETED = 0xffff_ffff;

export interface BatchNumbers {
  readonly ceiling: number;
  readonly applied: number;
}

/** Packs `writes`, each a key and what was written there, into `spare` where there is room. It can be handed to another thread. */
export function encodeCommitBatch(
  writes: Iterable<readonly [string, Written]>,
  { ceiling, applied }: BatchNumbers,
  spare?: ArrayBuffer,
): ArrayBuffer {
  const all = [...writes];
  let sizeBytes = HEADER_BYTES;
  for (const [key, written] of all) {
    sizeBytes += ENTRY_HEADER_BYTES + key.length;
    if (written !== TOMBSTONE) sizeBytes += written.byteLength;
  }
  const isRoomy = spare !== undefined && spare.byteLength >= sizeBytes;
  const memory = isRoomy ? spare : new ArrayBuffer(sizeBytes);
  const bytes = Buffer.from(memory);
  writeU64(bytes, 0, ceiling);
  writeU64(bytes, 8, applied);
  bytes.writeUInt32BE(all.length, 16);
  let at = HEADER_BYTES;
  for (const [key, written] of all) {
    const value = written === TOMBSTONE ? undefined : written;
    bytes.writeUInt16BE(key.length, at);
    bytes.writeUInt32BE(value?.byteLength ?? DELETED, at + 2);
    at += ENTRY_HEADER_BYTES;
    at += bytes.write(key, at, "latin1");
    if (value === undefined) continue;
    bytes.set(value, at);
    at += value.byteLength;
  }
  return memory;
}
