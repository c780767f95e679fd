import { createSha256 } from "@cairnfs/base/checksum";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { allBlocks, type BlockRange, piecesOf } from "../block-range.ts";
import type { Pace, Verdict } from "../chunk-store.ts";
import { matchesChecksums } from "../matches-checksums.ts";
import { readAhead } from "../read-ahead.ts";
import { damageShownBy } from "../store-error.ts";
import type { OpenChunkFile } from "./open-chunk-file.ts";

/** Reads all of a copy, compares it with its checksums and its id, and closes it. Each piece waits for `pace`. */
export async function inspectFile(
  file: OpenChunkFile | undefined,
  signal: AbortSignal,
  pace?: Pace,
): Promise<Verdict | "unreadable"> {
  if (file === undefined) return "missing";
  const hash = createSha256();
  try {
    const table = await file.readTable();
    const read = async (range: BlockRange) => {
      await pace?.(range.endBytes - range.offsetBytes);
      return file.readPiece(range, table);
    };
    const pieces = piecesOf(allBlocks(file.header.lengthBytes));
    for await (const piece of readAhead(pieces, read)) {
      signal.throwIfAborted();
      if (!matchesChecksums(piece.data, piece.blockChecksums)) return "corrupt";
      hash.update(piece.data);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    return damageShownBy(error);
  } finally {
    await file.close();
  }
  return chunkIdFromBytes(hash.digest()) === file.header.id ? "intact" : "corrupt";
}
