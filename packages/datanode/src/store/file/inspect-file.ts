import { createSha256 } from "@cairnfs/base/checksum";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { allBlocks, piecesOf } from "../block-range.ts";
import type { Verdict } from "../chunk-store.ts";
import { matchesChecksums } from "../matches-checksums.ts";
import { readAhead } from "../read-ahead.ts";
import { damageShownBy } from "../store-error.ts";
import type { OpenChunkFile } from "./open-chunk-file.ts";

/** Reads all of a copy and compares it with its checksums and its id. */
export async function inspectFile(
  file: OpenChunkFile,
  signal: AbortSignal,
): Promise<Verdict | "unreadable"> {
  const hash = createSha256();
  try {
    const table = await file.readTable();
    const pieces = piecesOf(allBlocks(file.header.lengthBytes));
    for await (const piece of readAhead(pieces, (range) => file.readPiece(range, table))) {
      signal.throwIfAborted();
      if (!matchesChecksums(piece.data, piece.blockChecksums)) return "corrupt";
      hash.update(piece.data);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    return damageShownBy(error);
  }
  return chunkIdFromBytes(hash.digest()) === file.header.id ? "intact" : "corrupt";
}
