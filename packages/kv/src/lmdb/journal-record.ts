/**
 * A record of the journal: what one group of commits wrote, in the order in which it was written.
 *
 *     0       4       8      16      24     32      36
 *     | magic | crc   | salt | above | last | bytes | entries ...
 *
 *     entry:  0          2            6
 *             | key size | value size | key | value
 *
 * All integers are big-endian. `salt` is the store's own, so that no bytes that a client chose can pass for a record. `above` and `last` are commit numbers: the record before this one ended with `above`,
 * and this one ends with `last`. `bytes` is the size of the entries. The CRC-32C covers all that comes after it. A
 * value size of ffffffff deletes the key. docs/formats/lmdb-store.md is the register.
 */

import { crc32c } from "@cairnfs/base/checksum";
import { CairnError } from "@cairnfs/base/errors";
import { TOMBSTONE, type Written } from "../view.ts";
import { readU64, writeU32, writeU64 } from "./u64.ts";

/** "CKJ1" */
const MAGIC = 0x43_4b_4a_31;
export const RECORD_HEADER_BYTES = 36;
export const SALT_BYTES = 8;
const SALT_OFFSET = 8;
const CRC_FROM = SALT_OFFSET;
const ENTRY_HEADER_BYTES = 6;
const DELETED = 0xffff_ffff;
const FIRST_BYTES = 256 * 1024;
/** A buffer that one large group has made larger than this is not kept. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** A record that was found whole. */
export interface JournalRecord {
  /** With what the record before it ended. */
  readonly above: number;
  readonly last: number;
  /** Where it begins in its file, and its size there. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** The bytes that `readEntries` takes apart: views of the file's. */
  readonly entries: Uint8Array;
}

/** Gathers the entries of one record at a time, in memory that is used again. */
export class RecordBuilder {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = RECORD_HEADER_BYTES;

  /** The size of the record so far. */
  get sizeBytes(): number {
    return this.#length;
  }

  add(key: string, written: Written): void {
    const valueBytes = written === TOMBSTONE ? 0 : written.byteLength;
    let at = this.#room(ENTRY_HEADER_BYTES + key.length + valueBytes);
    const bytes = this.#bytes;
    bytes[at] = key.length >>> 8;
    bytes[at + 1] = key.length;
    writeU32(bytes, at + 2, written === TOMBSTONE ? DELETED : valueBytes);
    at += ENTRY_HEADER_BYTES;
    at += bytes.write(key, at, "latin1");
    if (written !== TOMBSTONE) bytes.set(written, at);
  }

  /** The whole record: it is the builder's, and lasts until `reset`. */
  finish(salt: Uint8Array, above: number, last: number): Uint8Array {
    const bytes = this.#bytes;
    writeU32(bytes, 0, MAGIC);
    bytes.set(salt, SALT_OFFSET);
    writeU64(bytes, 16, above);
    writeU64(bytes, 24, last);
    writeU32(bytes, 32, this.#length - RECORD_HEADER_BYTES);
    writeU32(bytes, 4, crc32c(bytes.subarray(CRC_FROM, this.#length)));
    return bytes.subarray(0, this.#length);
  }

  /** Forgets all entries. */
  reset(): void {
    this.#length = RECORD_HEADER_BYTES;
    if (this.#bytes.byteLength > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  #room(sizeBytes: number): number {
    const at = this.#length;
    this.#length = at + sizeBytes;
    if (this.#length > this.#bytes.byteLength) {
      const grown = Buffer.allocUnsafeSlow(this.#length * 2);
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    return at;
  }
}

/**
 * The records of a journal file that follow one on the other, to the first that is not whole or does not: what comes there was
 * never finished, or is left from an earlier use of the file, whose commits are all up to `applied`. A later one there means
 * that the one at the break was whole once, since records are written one after the other: `storeFailed`.
 */
export function readRecords(
  file: Uint8Array,
  { applied, salt }: { readonly applied: number; readonly salt: Uint8Array },
): JournalRecord[] {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const records: JournalRecord[] = [];
  let at = 0;
  for (;;) {
    const record = recordAt(bytes, at, salt);
    const previous = records.at(-1);
    if (record === undefined || (previous !== undefined && record.above !== previous.last)) {
      refuseLater(bytes, at, salt, Math.max(applied, previous?.last ?? 0));
      return records;
    }
    records.push(record);
    at += record.sizeBytes;
  }
}

function refuseLater(bytes: Buffer, from: number, salt: Uint8Array, last: number): void {
  for (let at = from; ; at++) {
    at = bytes.indexOf(salt, at + SALT_OFFSET) - SALT_OFFSET;
    if (at < from) return;
    const record = recordAt(bytes, at, salt);
    if (record === undefined || record.last <= last) continue;
    throw new CairnError(
      "storeFailed",
      `the journal is damaged at byte ${from}: commits up to ${record.last} are behind it, and ${last} is the last before`,
    );
  }
}

function recordAt(bytes: Buffer, at: number, salt: Uint8Array): JournalRecord | undefined {
  const entriesAt = at + RECORD_HEADER_BYTES;
  if (entriesAt > bytes.byteLength) return undefined;
  if (bytes.readUInt32BE(at) !== MAGIC) return undefined;
  const saltAt = at + SALT_OFFSET;
  if (bytes.compare(salt, 0, SALT_BYTES, saltAt, saltAt + SALT_BYTES) !== 0) return undefined;
  const end = entriesAt + bytes.readUInt32BE(at + 32);
  if (end > bytes.byteLength) return undefined;
  if (crc32c(bytes.subarray(at + CRC_FROM, end)) !== bytes.readUInt32BE(at + 4)) return undefined;
  return {
    above: readU64(bytes, at + 16),
    last: readU64(bytes, at + 24),
    offsetBytes: at,
    sizeBytes: end - at,
    entries: bytes.subarray(entriesAt, end),
  };
}

/** Hands each entry of a record to `take`, in their order, with values in memory of their own. */
export function readEntries(
  record: JournalRecord,
  take: (key: string, written: Written) => void,
): void {
  const { entries } = record;
  const bytes = Buffer.from(entries.buffer, entries.byteOffset, entries.byteLength);
  for (let at = 0; at < bytes.byteLength; ) {
    const keyEnd = at + ENTRY_HEADER_BYTES + bytes.readUInt16BE(at);
    const valueBytes = bytes.readUInt32BE(at + 2);
    const key = bytes.toString("latin1", at + ENTRY_HEADER_BYTES, keyEnd);
    if (valueBytes === DELETED) {
      take(key, TOMBSTONE);
      at = keyEnd;
    } else {
      take(key, Buffer.from(bytes.subarray(keyEnd, keyEnd + valueBytes)));
      at = keyEnd + valueBytes;
    }
  }
}
