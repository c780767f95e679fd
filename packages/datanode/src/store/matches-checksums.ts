import { crc32c } from "@cairnfs/base/checksum";
import { BLOCK_BYTES } from "@cairnfs/protocol/chunk-id";

/** Whether data matches the checksums of its blocks. */
export function matchesChecksums(data: Uint8Array, blockChecksums: readonly number[]): boolean {
  return blockChecksums.every(
    (checksum, block) =>
      crc32c(data.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)) === checksum,
  );
}
