import type { ByteBudget } from "@cairnfs/base/byte-budget";
import { createSha256, type Sha256 } from "@cairnfs/base/checksum";
import { CairnError } from "@cairnfs/base/errors";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { linkAbort } from "../abort.ts";
import type { ChunkMap, LocatedChunk } from "./chunk-map.ts";
import { type PieceReaderParts, readPiece } from "./piece-reader.ts";
import { type PieceRange, pieceRanges, type ResolvedRange } from "./range.ts";

export interface ReadContentOptions {
  readonly map: ChunkMap;
  readonly range: ResolvedRange;
  readonly budget: ByteBudget;
  readonly signal?: AbortSignal | undefined;
}

/** A piece on its way. */
interface Fetch {
  readonly chunk: LocatedChunk;
  readonly range: PieceRange;
  readonly bytes: Promise<Uint8Array[]>;
  readonly giveBack: () => void;
}

/**
 * The bytes of a range of a file, in order and verified, fetched in parallel ahead of the reader. What is ahead stays within the
 * budget; one piece is always fetched, so that readers who pause cannot keep others waiting. A chunk that is read whole
 * is compared with its id before its last piece is given. Leaving early cancels what is under way.
 */
export async function* readContent(
  parts: PieceReaderParts,
  options: ReadContentOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const abort = linkAbort(options.signal);
  const plan = planPieces(options, parts.config.pieceBytes, abort.signal);
  const ahead: Fetch[] = [];
  const check = new ChunkCheck(parts);
  let isPlanned = false;
  try {
    for (;;) {
      while (!isPlanned && ahead.length < parts.config.parallelPieces) {
        // The first piece is not asked whether there is room: somebody waits for it.
        const isUrgent = ahead.length === 0;
        const next = await plan.next(isUrgent ? undefined : options.budget);
        if (next === "planned") isPlanned = true;
        if (typeof next === "string") break;
        ahead.push(startFetch(parts, options.map, next, abort.signal));
      }
      const first = ahead.shift();
      if (first === undefined) return;
      try {
        const bytes = await first.bytes;
        check.take(first, bytes);
        yield* bytes;
      } finally {
        first.giveBack();
      }
    }
  } finally {
    abort.abort(new CairnError("cancelled", "the reader has left"));
    abort.release();
    for (const fetch of ahead) fetch.giveBack();
  }
}

interface PlannedPiece {
  readonly chunk: LocatedChunk;
  readonly range: PieceRange;
  readonly giveBack: () => void;
}

interface PiecePlan {
  /** The next piece with its memory; "no room" when the budget has none for it now; "planned" after the last. */
  next(budget: ByteBudget | undefined): Promise<PlannedPiece | "no room" | "planned">;
}

function planPieces(
  { map, range }: ReadContentOptions,
  pieceBytes: number,
  signal: AbortSignal,
): PiecePlan {
  let atBytes = range.startBytes;
  let chunk: LocatedChunk | undefined;
  let pieces: PieceRange[] = [];
  return {
    next: async (budget) => {
      if (pieces.length === 0) {
        if (atBytes >= range.endBytes) return "planned";
        chunk = await map.at(atBytes, signal);
        const endBytes = Math.min(range.endBytes, chunk.offsetBytes + chunk.lengthBytes);
        pieces = pieceRanges(atBytes - chunk.offsetBytes, endBytes - chunk.offsetBytes, pieceBytes);
        atBytes = endBytes;
      }
      const [piece] = pieces;
      if (piece === undefined || chunk === undefined) return "planned";
      const giveBack = budget === undefined ? nothingTaken : budget.tryTake(piece.lengthBytes);
      if (giveBack === undefined) return "no room";
      pieces.shift();
      return { chunk, range: piece, giveBack };
    },
  };
}

const nothingTaken = () => undefined;

function startFetch(
  parts: PieceReaderParts,
  map: ChunkMap,
  piece: PlannedPiece,
  signal: AbortSignal,
): Fetch {
  const bytes = readPiece(parts, { chunk: piece.chunk, range: piece.range, map, signal });
  // Whoever comes to this piece hears the error; a reader who leaves before does not need it.
  bytes.catch(() => undefined);
  return { ...piece, bytes };
}

/** Compares chunks that are read whole, but in several pieces, with their ids. */
class ChunkCheck {
  readonly #parts: PieceReaderParts;
  #hash: Sha256 | undefined;
  #hashedBytes = 0;

  constructor(parts: PieceReaderParts) {
    this.#parts = parts;
  }

  take(fetch: Fetch, bytes: readonly Uint8Array[]): void {
    const { chunk, range } = fetch;
    const endBytes = range.offsetBytes + range.lengthBytes;
    // A chunk in one piece was compared by the one who read it.
    if (range.lengthBytes === chunk.lengthBytes) return;
    if (range.offsetBytes === 0) {
      this.#hash = createSha256();
      this.#hashedBytes = 0;
    }
    if (this.#hash === undefined || this.#hashedBytes !== range.offsetBytes) return;
    for (const part of bytes) this.#hash.update(part);
    this.#hashedBytes = endBytes;
    if (endBytes < chunk.lengthBytes) return;
    const actual = chunkIdFromBytes(this.#hash.digest());
    this.#hash = undefined;
    if (actual === chunk.id) return;
    // The blocks matched their checksums, so nobody knows which copy is wrong: the nodes will find out.
    for (const nodeNumber of chunk.nodeNumbers) this.#parts.report(chunk, nodeNumber, "corrupt");
    throw new CairnError("chunkCorrupt", `chunk ${chunk.id} was read with the bytes of ${actual}`, {
      details: { chunkId: chunk.id, nodeNumbers: chunk.nodeNumbers.join(",") },
    });
  }
}
