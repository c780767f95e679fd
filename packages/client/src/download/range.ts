import { CairnError } from "@cairnfs/base/errors";
import { BLOCK_BYTES } from "@cairnfs/protocol/chunk-id";

/** Which bytes of a file are wanted. */
export interface ByteRange {
  /** From the start; negative counts from the end. 0 unless given. */
  readonly offsetBytes?: number | undefined;
  /** At most this many; to the end unless given. */
  readonly lengthBytes?: number | undefined;
}

export interface ResolvedRange {
  readonly startBytes: number;
  /** One past the last byte. */
  readonly endBytes: number;
}

/**
 * The range within a file of `sizeBytes`. What lies past the end is cut off, as `read` does; an offset past
 * the end or a negative length is `rangeNotSatisfiable`.
 */
export function resolveRange(range: ByteRange, sizeBytes: number): ResolvedRange {
  const { offsetBytes = 0, lengthBytes = Number.POSITIVE_INFINITY } = range;
  const startBytes = offsetBytes < 0 ? Math.max(0, sizeBytes + offsetBytes) : offsetBytes;
  const isWhole =
    Number.isSafeInteger(offsetBytes) &&
    (Number.isSafeInteger(lengthBytes) || lengthBytes === Number.POSITIVE_INFINITY);
  if (!isWhole || lengthBytes < 0 || startBytes > sizeBytes) {
    throw new CairnError(
      "rangeNotSatisfiable",
      `bytes from ${offsetBytes}, ${lengthBytes} long, are not in a file of ${sizeBytes}`,
      { details: { offsetBytes, sizeBytes } },
    );
  }
  return { startBytes, endBytes: Math.min(sizeBytes, startBytes + lengthBytes) };
}

/** A part of one chunk that is fetched in one go. */
export interface PieceRange {
  /** Within the chunk. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/**
 * Divides bytes `fromBytes` to `toBytes` of a chunk into pieces of at most `pieceBytes`, cut at
 * multiples of `pieceBytes`, so that no 64 KiB block is fetched twice.
 */
export function pieceRanges(fromBytes: number, toBytes: number, pieceBytes: number): PieceRange[] {
  const pieces: PieceRange[] = [];
  for (let at = fromBytes; at < toBytes; ) {
    const end = Math.min(toBytes, (Math.floor(at / pieceBytes) + 1) * pieceBytes);
    pieces.push({ offsetBytes: at, lengthBytes: end - at });
    at = end;
  }
  return pieces;
}

/** The start of the 64 KiB block that holds `offsetBytes`. */
export function blockStart(offsetBytes: number): number {
  return offsetBytes - (offsetBytes % BLOCK_BYTES);
}
