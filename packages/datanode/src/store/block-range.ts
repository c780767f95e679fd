import { CairnError } from "@cairnfs/base/errors";
import { BLOCK_BYTES } from "@cairnfs/protocol/chunk-id";
import type { ReadOptions } from "./chunk-store.ts";

/** The most bytes a store hands out in one piece. */
export const PIECE_BYTES_MAX = 1024 * 1024;
export const PIECE_BLOCKS_MAX = PIECE_BYTES_MAX / BLOCK_BYTES;

/** Consecutive blocks of a chunk and where their bytes lie in it. */
export interface BlockRange {
  readonly firstBlock: number;
  /** The first block after the range. */
  readonly endBlock: number;
  readonly offsetBytes: number;
  readonly endBytes: number;
}

/** The whole blocks that a range touches; `rangeNotSatisfiable` when it is empty or leaves the chunk. */
export function blocksOf(lengthBytes: number, range: ReadOptions): BlockRange {
  const endBytes = range.offsetBytes + range.lengthBytes;
  if (range.offsetBytes < 0 || range.lengthBytes < 1 || endBytes > lengthBytes) {
    throw new CairnError(
      "rangeNotSatisfiable",
      `bytes ${range.offsetBytes} to ${endBytes} are not in a chunk of ${lengthBytes} bytes`,
      { details: { lengthBytes } },
    );
  }
  return toRange(
    Math.floor(range.offsetBytes / BLOCK_BYTES),
    Math.ceil(endBytes / BLOCK_BYTES),
    lengthBytes,
  );
}

/** All blocks of a chunk. */
export function allBlocks(lengthBytes: number): BlockRange {
  return toRange(0, Math.ceil(lengthBytes / BLOCK_BYTES), lengthBytes);
}

/** Cuts a range into pieces of at most 1 MiB. */
export function* piecesOf(range: BlockRange): Generator<BlockRange> {
  for (let first = range.firstBlock; first < range.endBlock; first += PIECE_BLOCKS_MAX) {
    const end = Math.min(first + PIECE_BLOCKS_MAX, range.endBlock);
    yield toRange(first, end, range.endBytes);
  }
}

function toRange(firstBlock: number, endBlock: number, endBytesMax: number): BlockRange {
  return {
    firstBlock,
    endBlock,
    offsetBytes: firstBlock * BLOCK_BYTES,
    endBytes: Math.min(endBlock * BLOCK_BYTES, endBytesMax),
  };
}
