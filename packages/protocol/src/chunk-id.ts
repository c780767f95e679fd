import { CairnError } from "@cairnfs/base/errors";
import { fromHex, toHex } from "@cairnfs/base/hex";

declare const chunkIdBrand: unique symbol;
/** The SHA-256 of a chunk's bytes as 64 lower-case hexadecimal digits. */
export type ChunkId = string & { readonly [chunkIdBrand]: true };

export const CHUNK_ID_BYTES = 32;
/** Checksums are computed over blocks of this size; frames and reads are aligned to it. */
export const BLOCK_BYTES = 64 * 1024;
export const CHUNK_BYTES_MIN = 64 * 1024;
export const CHUNK_BYTES_MAX = 512 * 1024 * 1024;
export const CHUNK_BYTES_DEFAULT = 8 * 1024 * 1024;
/** The most data one frame of a chunk stream carries. */
export const FRAME_DATA_BYTES_MAX = 1024 * 1024;

/** The id whose 32 bytes these are; anything else is refused as `invalidArgument`. */
export function chunkIdFromBytes(bytes: Uint8Array): ChunkId {
  if (bytes.byteLength !== CHUNK_ID_BYTES) {
    throw new CairnError("invalidArgument", `a chunk id has 32 bytes, not ${bytes.byteLength}`);
  }
  // Just checked: 32 bytes are 64 digits.
  return toHex(bytes) as ChunkId;
}

export function chunkIdToBytes(id: ChunkId): Uint8Array {
  return Buffer.from(id, "hex");
}

/** The id that these digits spell; anything else is refused as `invalidArgument`. */
export function parseChunkId(digits: string): ChunkId {
  const bytes = fromHex(digits);
  if (bytes === undefined)
    throw new CairnError("invalidArgument", "a chunk id is 64 hexadecimal digits");
  return chunkIdFromBytes(bytes);
}
