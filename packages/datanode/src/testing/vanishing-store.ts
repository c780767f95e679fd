import { CairnError } from "@cairnfs/base/errors";
import type {
  ChunkPiece,
  ChunkStore,
  ChunkWriter,
  PutOptions,
  StoredChunkInfo,
  StoreSpace,
  Verdict,
  WholeChunk,
} from "../store/chunk-store.ts";
import { IncomingChunk } from "../store/incoming-chunk.ts";
import { putInOnePiece } from "../store/put-in-one-piece.ts";

/** A store that checks what it is given and keeps nothing: for measuring, and for chunks larger than memory. */
export class VanishingStore implements ChunkStore {
  async put(options: PutOptions): Promise<ChunkWriter> {
    const incoming = new IncomingChunk(options);
    return {
      write: async (piece: ChunkPiece) => incoming.take(piece),
      commit: async (id): Promise<StoredChunkInfo> => {
        incoming.finish(id);
        return { id, lengthBytes: incoming.lengthBytes, epoch: options.epoch, verifiedMs: 0 };
      },
      abort: async () => undefined,
    };
  }

  putWhole(chunk: WholeChunk): Promise<StoredChunkInfo> {
    return putInOnePiece(this, chunk);
  }

  async info(): Promise<undefined> {
    return undefined;
  }

  // biome-ignore lint/correctness/useYield: There is never anything to read.
  async *read(): AsyncGenerator<ChunkPiece> {
    throw new CairnError("chunkNotFound", "nothing is ever here");
  }

  async claim(): Promise<boolean> {
    return false;
  }

  async delete(): Promise<boolean> {
    return true;
  }

  async verify(): Promise<Verdict> {
    return "missing";
  }

  async list(): Promise<StoredChunkInfo[]> {
    return [];
  }

  async space(): Promise<StoreSpace> {
    return {
      capacityBytes: 2 ** 40,
      usedBytes: 0,
      availableBytes: 2 ** 40,
      chunkCount: 0,
      quarantine: { copies: 0, sizeBytes: 0 },
    };
  }

  onBadCopy(): () => void {
    return () => undefined;
  }

  async close(): Promise<void> {
    // There is nothing to close.
  }
}
