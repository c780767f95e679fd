import type { Clock } from "@cairnfs/base/clock";
import type { CairnError } from "@cairnfs/base/errors";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ChunkPiece, ChunkWriter, PutOptions, StoredChunkInfo } from "../store/chunk-store.ts";
import { MemoryChunkStore } from "../store/memory/memory-chunk-store.ts";

/** A store in memory whose writes a test can hold up or fail, and that tells how far it is. */
export class TrialStore extends MemoryChunkStore {
  /** Writes beyond this many bytes of a put wait, until it is raised by `letWrite`. */
  #writableBytes = Number.POSITIVE_INFINITY;
  #isCommitHeld = false;
  #waiting: (() => void)[] = [];
  #failure: { readonly error: CairnError; readonly afterBytes: number } | undefined;
  readonly #undeletable = new Map<ChunkId, CairnError>();
  /** Puts that are neither committed nor aborted. */
  openPuts = 0;
  /** Bytes that all puts have written. */
  writtenBytes = 0;

  constructor(clock: Clock, capacityBytes?: number) {
    super(clock, capacityBytes);
  }

  /** From now on the writes of a put stop once it has so many bytes. */
  letWrite(bytes: number): void {
    this.#writableBytes = bytes;
    this.#wake();
  }

  holdCommits(isHeld: boolean): void {
    this.#isCommitHeld = isHeld;
    this.#wake();
  }

  /** Lets all writes and commits go on. */
  release(): void {
    this.letWrite(Number.POSITIVE_INFINITY);
    this.holdCommits(false);
  }

  /** Makes the write that passes `afterBytes` of a put fail. */
  failWrites(error: CairnError | undefined, afterBytes = 0): void {
    this.#failure = error === undefined ? undefined : { error, afterBytes };
  }

  /** Makes every deletion of this chunk fail. */
  failDeletions(id: ChunkId, error: CairnError): void {
    this.#undeletable.set(id, error);
  }

  override async delete(id: ChunkId, epochMax: number): Promise<boolean> {
    const error = this.#undeletable.get(id);
    if (error !== undefined) throw error;
    return super.delete(id, epochMax);
  }

  override async put(options: PutOptions): Promise<ChunkWriter> {
    const writer = await super.put(options);
    this.openPuts += 1;
    let writtenBytes = 0;
    return {
      write: async (piece: ChunkPiece) => {
        while (writtenBytes + piece.data.byteLength > this.#writableBytes) await this.#change();
        await writer.write(piece);
        writtenBytes += piece.data.byteLength;
        this.writtenBytes += piece.data.byteLength;
        if (this.#failure !== undefined && writtenBytes > this.#failure.afterBytes) {
          throw this.#failure.error;
        }
      },
      commit: async (id): Promise<StoredChunkInfo> => {
        while (this.#isCommitHeld) await this.#change();
        this.openPuts -= 1;
        return writer.commit(id);
      },
      abort: () => {
        this.openPuts -= 1;
        return writer.abort();
      },
    };
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
