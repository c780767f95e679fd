import { crc32c } from "@cairnfs/base/checksum";

/** How much the chunks of a store take, noted when it closes so that it need not be counted when it opens. */
export interface Usage {
  readonly chunkCount: number;
  readonly usedBytes: number;
}

const LENGTH_BYTES = 20;

/** Chunks u64, bytes u64, CRC-32C u32, big-endian. */
export function encodeUsage(usage: Usage): Uint8Array {
  const bytes = Buffer.alloc(LENGTH_BYTES);
  bytes.writeBigUInt64BE(BigInt(usage.chunkCount), 0);
  bytes.writeBigUInt64BE(BigInt(usage.usedBytes), 8);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 16)), 16);
  return bytes;
}

/** Undefined when the bytes are not a usage record: then it must be counted. */
export function decodeUsage(record: Uint8Array): Usage | undefined {
  if (record.byteLength !== LENGTH_BYTES) return undefined;
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  if (crc32c(bytes.subarray(0, 16)) !== bytes.readUInt32BE(16)) return undefined;
  return {
    chunkCount: Number(bytes.readBigUInt64BE(0)),
    usedBytes: Number(bytes.readBigUInt64BE(8)),
  };
}
