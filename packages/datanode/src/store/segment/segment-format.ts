import { crc32c } from "@cairnfs/base/checksum";
import { CHUNK_ID_BYTES } from "@cairnfs/protocol/chunk-id";
import {
  type RecordHead,
  RecordKind,
  recordBytesOf,
  SALT_BYTES,
  SEGMENT_CHUNK_BYTES_END,
} from "./record.ts";

/**
 * A segment: a header, records, and once it is sealed a footer that repeats where they are.
 *
 *     0        32                               footer offset     end - 40
 *     | header | record | record | record | ... | entry | entry | trailer |
 *
 * The header:
 *
 *     0       8         10       12       16     24       28         32
 *     | magic | version | unused | number | salt | unused | checksum |
 *
 * An entry:
 *
 *     0      1        4        8    40       44         48      56
 *     | kind | unused | offset | id | length | verified | epoch |
 *
 * The trailer:
 *
 *     0       8        12      16              20       24     32         36       40
 *     | magic | number | count | footer offset | footer | salt | checksum | unused |
 *
 * All integers are big-endian. `checksum` is the CRC-32C of what is before it, `footer` that of all entries.
 * The register is docs/formats/segment-log.md.
 */
export interface SegmentHeader {
  readonly number: number;
  readonly salt: Uint8Array;
}

/** Where a record lies, and what it says. */
export interface SegmentEntry extends RecordHead {
  readonly offset: number;
}

export interface SegmentTrailer extends SegmentHeader {
  readonly entryCount: number;
  readonly footerOffset: number;
  readonly footerChecksum: number;
}

export const SEGMENT_HEADER_BYTES = 32;
export const ENTRY_BYTES = 56;
export const TRAILER_BYTES = 40;
const HEADER_MAGIC = Buffer.from("CAIRNSEG");
const TRAILER_MAGIC = Buffer.from("CAIRNEND");
const VERSION = 1;
const SEGMENT_NAME = /^(\d{10})\.segment$/u;

export function segmentName(number: number): string {
  return `${String(number).padStart(10, "0")}.segment`;
}

/** The number of the segment in the file of this name; undefined when it is none. */
export function parseSegmentName(name: string): number | undefined {
  const digits = SEGMENT_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  HEADER_MAGIC.copy(bytes);
  bytes.writeUInt16BE(VERSION, 8);
  bytes.writeUInt32BE(header.number, 12);
  bytes.set(header.salt, 16);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 28)), 28);
  return bytes;
}

/** Undefined when it is torn, rotten or of another version. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.byteLength < SEGMENT_HEADER_BYTES) return undefined;
  if (!bytes.subarray(0, 8).equals(HEADER_MAGIC)) return undefined;
  if (crc32c(bytes.subarray(0, 28)) !== bytes.readUInt32BE(28)) return undefined;
  if (bytes.readUInt16BE(8) !== VERSION) return undefined;
  return { number: bytes.readUInt32BE(12), salt: bytes.subarray(16, 16 + SALT_BYTES) };
}

export function encodeEntry(entry: SegmentEntry, into: Buffer, at: number): void {
  into.fill(0, at, at + 4);
  into.writeUInt8(entry.kind, at);
  into.writeUInt32BE(entry.offset, at + 4);
  into.set(entry.id, at + 8);
  into.writeUInt32BE(entry.lengthBytes, at + 40);
  into.writeUInt32BE(entry.verifiedS, at + 44);
  into.writeBigUInt64BE(BigInt(entry.epoch), at + 48);
}

/** The entry at `at` of a footer whose checksum was right. */
export function decodeEntry(footer: Buffer, at: number): SegmentEntry {
  const kind = footer.readUInt8(at);
  return {
    kind: KINDS[kind] ?? RecordKind.verified,
    offset: footer.readUInt32BE(at + 4),
    id: footer.subarray(at + 8, at + 8 + CHUNK_ID_BYTES),
    lengthBytes: footer.readUInt32BE(at + 40),
    verifiedS: footer.readUInt32BE(at + 44),
    epoch: Number(footer.readBigUInt64BE(at + 48)),
  };
}

/** Whether the record of the entry at `at` can lie in its segment, behind the header and before `endOffset`. */
export function isEntryWithin(footer: Buffer, at: number, endOffset: number): boolean {
  const offset = footer.readUInt32BE(at + 4);
  const lengthBytes = footer.readUInt32BE(at + 40);
  if (offset < SEGMENT_HEADER_BYTES || lengthBytes >= SEGMENT_CHUNK_BYTES_END) return false;
  return offset + recordBytesOf(lengthBytes) <= endOffset;
}

/** Whether the entry at `at` has an epoch of more than 48 bits. */
export function hasImpossibleEpoch(footer: Buffer, at: number): boolean {
  return footer.readUInt16BE(at + 48) !== 0;
}

export function encodeTrailer(trailer: SegmentTrailer): Uint8Array {
  const bytes = Buffer.alloc(TRAILER_BYTES);
  TRAILER_MAGIC.copy(bytes);
  bytes.writeUInt32BE(trailer.number, 8);
  bytes.writeUInt32BE(trailer.entryCount, 12);
  bytes.writeUInt32BE(trailer.footerOffset, 16);
  bytes.writeUInt32BE(trailer.footerChecksum, 20);
  bytes.set(trailer.salt, 24);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 32)), 32);
  return bytes;
}

/** Undefined when the segment does not end with a trailer. */
export function decodeTrailer(bytes: Buffer): SegmentTrailer | undefined {
  if (bytes.byteLength < TRAILER_BYTES) return undefined;
  if (!bytes.subarray(0, 8).equals(TRAILER_MAGIC)) return undefined;
  if (crc32c(bytes.subarray(0, 32)) !== bytes.readUInt32BE(32)) return undefined;
  return {
    number: bytes.readUInt32BE(8),
    entryCount: bytes.readUInt32BE(12),
    footerOffset: bytes.readUInt32BE(16),
    footerChecksum: bytes.readUInt32BE(20),
    salt: bytes.subarray(24, 24 + SALT_BYTES),
  };
}

const KINDS: Readonly<Record<number, RecordKind>> = {
  1: RecordKind.chunk,
  2: RecordKind.deletion,
  3: RecordKind.claim,
  4: RecordKind.verified,
};
