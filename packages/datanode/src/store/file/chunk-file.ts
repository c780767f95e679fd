import { crc32c } from "@cairnfs/base/checksum";
import {
  BLOCK_BYTES,
  CHUNK_ID_BYTES,
  type ChunkId,
  chunkIdFromBytes,
  chunkIdToBytes,
} from "@cairnfs/protocol/chunk-id";

/**
 * A chunk file: two slots for the header, the checksums, the data.
 *
 *     0        4096     8192                data offset (a multiple of 4096)
 *     | slot 0 | slot 1 | checksums, padding | data ...
 *
 * and a slot:
 *
 *     0       8         10       12          16   48       56      64         72         80            84          88
 *     | magic | version | unused | block size | id | length | epoch | verified | sequence | data offset | checksums | slot |
 *
 * All integers are big-endian; `length` to `sequence` have eight bytes, the last three four. `checksums` is the CRC-32C of
 * the checksums, `slot` that of the slot before it. The valid slot with the higher sequence holds; a change is written to the
 * other one, so that a torn write leaves the old header. Each lies in a page of its own, as disks with 4 KiB sectors tear those.
 * The register is docs/formats/chunk-file.md.
 */
export interface ChunkFileHeader {
  readonly id: ChunkId;
  readonly lengthBytes: number;
  readonly epoch: number;
  readonly verifiedMs: number;
  /** Grows by one with each change of the header. */
  readonly sequence: number;
  readonly dataOffsetBytes: number;
  readonly tableChecksum: number;
}

/** Where a header was found. */
export interface FoundHeader {
  readonly header: ChunkFileHeader;
  readonly slot: 0 | 1;
}

export const SLOT_BYTES = 4096;
export const TABLE_OFFSET_BYTES = 2 * SLOT_BYTES;
/** What is read first: for chunks up to 64 MiB it has the checksums as well. */
export const HEAD_BYTES = TABLE_OFFSET_BYTES + 4096;

const MAGIC = Buffer.from("CAIRNCHK");
const VERSION = 1;
const CODED_BYTES = 92;
const CHECKSUM_OFFSET = 88;

/** Where the data starts in the file of a chunk of at most so many bytes. */
export function dataOffsetFor(lengthLimitBytes: number): number {
  const tableBytes = 4 * Math.ceil(lengthLimitBytes / BLOCK_BYTES);
  return TABLE_OFFSET_BYTES + Math.max(1, Math.ceil(tableBytes / 4096)) * 4096;
}

export function encodeSlot(header: ChunkFileHeader): Uint8Array {
  const bytes = Buffer.alloc(CODED_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt16BE(VERSION, 8);
  bytes.writeUInt32BE(BLOCK_BYTES, 12);
  bytes.set(chunkIdToBytes(header.id), 16);
  bytes.writeBigUInt64BE(BigInt(header.lengthBytes), 48);
  bytes.writeBigUInt64BE(BigInt(header.epoch), 56);
  bytes.writeBigUInt64BE(BigInt(header.verifiedMs), 64);
  bytes.writeBigUInt64BE(BigInt(header.sequence), 72);
  bytes.writeUInt32BE(header.dataOffsetBytes, 80);
  bytes.writeUInt32BE(header.tableChecksum, 84);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, CHECKSUM_OFFSET)), CHECKSUM_OFFSET);
  return bytes;
}

/** The header of a slot; undefined when the slot was never written, is torn or rotten. */
export function decodeSlot(slot: Uint8Array): ChunkFileHeader | undefined {
  if (slot.byteLength < CODED_BYTES) return undefined;
  const bytes = Buffer.from(slot.buffer, slot.byteOffset, CODED_BYTES);
  if (!bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) return undefined;
  if (crc32c(bytes.subarray(0, CHECKSUM_OFFSET)) !== bytes.readUInt32BE(CHECKSUM_OFFSET)) {
    return undefined;
  }
  if (bytes.readUInt16BE(8) !== VERSION || bytes.readUInt32BE(12) !== BLOCK_BYTES) return undefined;
  return {
    id: chunkIdFromBytes(bytes.subarray(16, 16 + CHUNK_ID_BYTES)),
    lengthBytes: Number(bytes.readBigUInt64BE(48)),
    epoch: Number(bytes.readBigUInt64BE(56)),
    verifiedMs: Number(bytes.readBigUInt64BE(64)),
    sequence: Number(bytes.readBigUInt64BE(72)),
    dataOffsetBytes: bytes.readUInt32BE(80),
    tableChecksum: bytes.readUInt32BE(84),
  };
}

/** The header that holds, of both slots at the start of `head`; undefined when neither is valid. */
export function newestHeader(head: Uint8Array): FoundHeader | undefined {
  const first = decodeSlot(head.subarray(0, SLOT_BYTES));
  const second = decodeSlot(head.subarray(SLOT_BYTES, TABLE_OFFSET_BYTES));
  if (second !== undefined && (first === undefined || second.sequence > first.sequence)) {
    return { header: second, slot: 1 };
  }
  return first === undefined ? undefined : { header: first, slot: 0 };
}

export function encodeChecksums(checksums: readonly number[]): Uint8Array {
  const table = Buffer.allocUnsafe(4 * checksums.length);
  for (const [block, checksum] of checksums.entries()) table.writeUInt32BE(checksum, 4 * block);
  return table;
}

/** The checksums of the blocks from `firstBlock` to before `endBlock`. */
export function decodeChecksums(table: Uint8Array, firstBlock: number, endBlock: number): number[] {
  const bytes = Buffer.from(table.buffer, table.byteOffset, table.byteLength);
  const checksums: number[] = [];
  for (let block = firstBlock; block < endBlock; block++) {
    checksums.push(bytes.readUInt32BE(4 * block));
  }
  return checksums;
}
