import { crc32c } from "@cairnfs/base/checksum";
import { BLOCK_BYTES } from "../chunk-id.ts";

/** The CRC-32C of each 64 KiB of `data`, the last of what remains; none for no data. */
export function blockChecksums(data: Uint8Array): number[] {
  const checksums: number[] = [];
  for (let at = 0; at < data.byteLength; at += BLOCK_BYTES) {
    checksums.push(crc32c(data.subarray(at, at + BLOCK_BYTES)));
  }
  return checksums;
}

/** How many blocks `lengthBytes` touch when they start at a block's start. */
export function blockCount(lengthBytes: number): number {
  return Math.ceil(lengthBytes / BLOCK_BYTES);
}

/** The first block of `data` whose checksum is another; undefined when all are right. */
export function firstWrongBlock(
  data: Uint8Array,
  checksums: readonly number[],
): number | undefined {
  for (let block = 0; block < blockCount(data.byteLength); block++) {
    const at = block * BLOCK_BYTES;
    if (crc32c(data.subarray(at, at + BLOCK_BYTES)) !== checksums[block]) return block;
  }
  return undefined;
}
