import { crc32c } from "@cairnfs/base/checksum";
import { BLOCK_BYTES, CHUNK_ID_BYTES } from "@cairnfs/protocol/chunk-id";

/**
 * A record of the segment log: what was stored, deleted, claimed or verified.
 *
 *     0       4      5        8      16   48       52         56      64     68
 *     | magic | kind | unused | salt | id | length | verified | epoch | head | block checksums | data | padding to 8
 *
 * All integers are big-endian. `epoch` has eight bytes, `verified` is in seconds since 1970. `head` is the CRC-32C of the bytes
 * before it and the block checksums. `salt` is the segment's own, so that no bytes that a client chose can pass for a record.
 * Only a record of kind "chunk" has a length, checksums and data. The register is docs/formats/segment-log.md.
 */
export interface RecordHead {
  readonly kind: RecordKind;
  /** 32 bytes. */
  readonly id: Uint8Array;
  readonly lengthBytes: number;
  readonly epoch: number;
  readonly verifiedS: number;
}

/** The kinds of records, by their numbers on the disk. */
export const RecordKind = { chunk: 1, deletion: 2, claim: 3, verified: 4 } as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

export const SALT_BYTES = 8;
export const RECORD_ALIGNMENT_BYTES = 8;
/** Chunks must be shorter than this to go into segments. */
export const SEGMENT_CHUNK_BYTES_END = 1024 * 1024;
const FIXED_BYTES = 68;
const MAGIC = 0x43524543; // "CREC"
const CHECKSUM_OFFSET = 64;
const NO_PADDING = new Uint8Array(0);
const PADDING = new Uint8Array(RECORD_ALIGNMENT_BYTES);

/** A record's head as it was found, with the checksums that came with it. */
export interface FoundRecord extends RecordHead {
  readonly salt: Uint8Array;
  readonly blockChecksums: readonly number[];
}

/** How much of a record lies before its data. */
export function headBytesOf(lengthBytes: number): number {
  return FIXED_BYTES + 4 * Math.ceil(lengthBytes / BLOCK_BYTES);
}

/** How much a record takes in its segment. */
export function recordBytesOf(lengthBytes: number): number {
  const bytes = headBytesOf(lengthBytes) + lengthBytes;
  return Math.ceil(bytes / RECORD_ALIGNMENT_BYTES) * RECORD_ALIGNMENT_BYTES;
}

export function encodeRecordHead(
  record: RecordHead & { readonly blockChecksums: readonly number[] },
  salt: Uint8Array,
): Uint8Array {
  const bytes = Buffer.alloc(headBytesOf(record.lengthBytes));
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt8(record.kind, 4);
  bytes.set(salt, 8);
  bytes.set(record.id, 16);
  bytes.writeUInt32BE(record.lengthBytes, 48);
  bytes.writeUInt32BE(record.verifiedS, 52);
  bytes.writeBigUInt64BE(BigInt(record.epoch), 56);
  for (const [block, checksum] of record.blockChecksums.entries()) {
    bytes.writeUInt32BE(checksum, FIXED_BYTES + 4 * block);
  }
  bytes.writeUInt32BE(headChecksum(bytes), CHECKSUM_OFFSET);
  return bytes;
}

/** What fills a record up after its data. */
export function paddingOf(lengthBytes: number): Uint8Array {
  const missingBytes = recordBytesOf(lengthBytes) - headBytesOf(lengthBytes) - lengthBytes;
  return missingBytes === 0 ? NO_PADDING : PADDING.subarray(0, missingBytes);
}

/** The head of the record that starts at `offset`; undefined when none does, or when `bytes` ends within the head. */
export function decodeRecordHead(bytes: Buffer, offset: number): FoundRecord | undefined {
  if (offset + FIXED_BYTES > bytes.byteLength || bytes.readUInt32BE(offset) !== MAGIC) {
    return undefined;
  }
  const kind = bytes.readUInt8(offset + 4);
  const lengthBytes = bytes.readUInt32BE(offset + 48);
  if (!isRecordKind(kind) || lengthBytes >= SEGMENT_CHUNK_BYTES_END) return undefined;
  const head = bytes.subarray(offset, offset + headBytesOf(lengthBytes));
  if (head.byteLength < headBytesOf(lengthBytes)) return undefined;
  if (headChecksum(head) !== head.readUInt32BE(CHECKSUM_OFFSET)) return undefined;
  const blockChecksums: number[] = [];
  for (let at = FIXED_BYTES; at < head.byteLength; at += 4) {
    blockChecksums.push(head.readUInt32BE(at));
  }
  return {
    kind,
    salt: head.subarray(8, 8 + SALT_BYTES),
    id: head.subarray(16, 16 + CHUNK_ID_BYTES),
    lengthBytes,
    verifiedS: head.readUInt32BE(52),
    epoch: Number(head.readBigUInt64BE(56)),
    blockChecksums,
  };
}

function headChecksum(head: Uint8Array): number {
  return crc32c(head.subarray(FIXED_BYTES), crc32c(head.subarray(0, CHECKSUM_OFFSET)));
}

function isRecordKind(kind: number): kind is RecordKind {
  return kind >= RecordKind.chunk && kind <= RecordKind.verified;
}
