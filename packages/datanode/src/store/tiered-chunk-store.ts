import { assert } from "@cairnfs/base/assert";
import type { ByteBudget } from "@cairnfs/base/byte-budget";
import { runWorker } from "@cairnfs/base/worker";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type {
  ChunkPiece,
  ChunkStore,
  ChunkWriter,
  ListOptions,
  Pace,
  PutOptions,
  ReadOptions,
  StoredChunkInfo,
  StoreSpace,
  Verdict,
  WholeChunk,
} from "./chunk-store.ts";
import type { FileChunkStore } from "./file/file-chunk-store.ts";
import { IncomingChunk } from "./incoming-chunk.ts";
import { SEGMENT_CHUNK_BYTES_END } from "./segment/record.ts";
import type { SegmentChunkStore, SegmentStoreParts } from "./segment/segment-chunk-store.ts";
import type { Room } from "./space-ledger.ts";

/** Chunks under 1 MiB in segments, larger ones in files of their own. */
export class TieredChunkStore implements ChunkStore {
  readonly #small: SegmentChunkStore;
  readonly #large: FileChunkStore;
  readonly #parts: SegmentStoreParts;
  readonly #budget: ByteBudget;
  readonly #stop = new AbortController();
  readonly #background: Promise<void>;

  /** Takes both stores over. `budget` bounds what small chunks on their way take in memory. */
  constructor(
    stores: { readonly small: SegmentChunkStore; readonly large: FileChunkStore },
    parts: SegmentStoreParts,
    budget: ByteBudget,
  ) {
    this.#small = stores.small;
    this.#large = stores.large;
    this.#parts = parts;
    this.#budget = budget;
    this.#background = runWorker(stores.small.compaction, parts, this.#stop.signal);
  }

  async put(options: PutOptions): Promise<ChunkWriter> {
    // What will not stay in memory anyhow need not begin there.
    if ((options.lengthBytes ?? 0) >= SEGMENT_CHUNK_BYTES_END) return this.#large.put(options);
    const room = await this.#parts.ledger.take(options.lengthLimitBytes);
    return new TieredChunkWriter(options, {
      room,
      budget: this.#budget,
      small: this.#small,
      large: this.#large,
    });
  }

  async putWhole(chunk: WholeChunk): Promise<StoredChunkInfo> {
    if (chunk.data.byteLength >= SEGMENT_CHUNK_BYTES_END) return this.#large.putWhole(chunk);
    const { id, epoch, data, blockChecksums } = chunk;
    const lengthBytes = data.byteLength;
    const incoming = new IncomingChunk({ lengthLimitBytes: lengthBytes, isIdVerified: true });
    incoming.take(chunk);
    incoming.finish(id);
    const room = await this.#parts.ledger.take(lengthBytes);
    try {
      return await this.#small.put({ id, lengthBytes, epoch, blockChecksums, data: [data] });
    } finally {
      room();
    }
  }

  async info(id: ChunkId, lengthBytes?: number): Promise<StoredChunkInfo | undefined> {
    const small = this.#small.info(id);
    if (small !== undefined || (lengthBytes ?? SEGMENT_CHUNK_BYTES_END) < SEGMENT_CHUNK_BYTES_END) {
      return small;
    }
    return this.#large.info(id);
  }

  async *read(id: ChunkId, options: ReadOptions): AsyncGenerator<ChunkPiece> {
    if (this.#small.info(id) === undefined) yield* this.#large.read(id, options);
    else yield* this.#small.read(id, options);
  }

  async claim(id: ChunkId, epoch: number): Promise<boolean> {
    return (await this.#small.claim(id, epoch)) || (await this.#large.claim(id, epoch));
  }

  async delete(id: ChunkId, epochMax: number): Promise<boolean> {
    // Memory may have been short once and not the other time: then it is in both.
    const isGone = await this.#small.delete(id, epochMax);
    // Saves the disk a look for each small chunk where there are no others.
    if (!this.#large.hasToDelete(id)) return isGone;
    return (await this.#large.delete(id, epochMax)) && isGone;
  }

  async verify(id: ChunkId, signal: AbortSignal, pace?: Pace): Promise<Verdict> {
    const verdict = await this.#small.verify(id, signal, pace);
    return verdict === "missing" ? this.#large.verify(id, signal, pace) : verdict;
  }

  onBadCopy(listener: (id: ChunkId) => void): () => void {
    // Both tell the quarantine, which they share.
    return this.#large.onBadCopy(listener);
  }

  async list(
    after: ChunkId | undefined,
    limit: number,
    options?: ListOptions,
  ): Promise<StoredChunkInfo[]> {
    const large = await this.#large.list(after, limit, options);
    return merge(this.#small.list(after, limit), large).slice(0, limit);
  }

  async space(): Promise<StoreSpace> {
    const chunkCount = this.#small.chunkCount + this.#large.chunkCount;
    const { ledger, quarantine } = this.#parts;
    return { ...(await ledger.space()), chunkCount, quarantine: quarantine.use };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#background;
    await this.#large.close();
    await this.#small.close();
  }
}

interface WriterParts {
  readonly room: Room;
  readonly budget: ByteBudget;
  readonly small: SegmentChunkStore;
  readonly large: FileChunkStore;
}

/** Keeps a chunk in memory while it is small and memory is there, and goes on in a file from then on. */
class TieredChunkWriter implements ChunkWriter {
  readonly #options: PutOptions;
  readonly #parts: WriterParts;
  readonly #incoming: IncomingChunk;
  readonly #data: Uint8Array[] = [];
  readonly #taken: (() => void)[] = [];
  #inFile: ChunkWriter | undefined;
  #failure: unknown;
  #isEnded = false;

  constructor(options: PutOptions, parts: WriterParts) {
    this.#options = options;
    this.#parts = parts;
    this.#incoming = new IncomingChunk(options);
  }

  async write(piece: ChunkPiece): Promise<void> {
    if (this.#inFile !== undefined) return this.#inFile.write(piece);
    try {
      if (this.#keeps(piece.data.byteLength)) {
        this.#incoming.take(piece);
        this.#data.push(new Uint8Array(piece.data));
        return;
      }
      const inFile = await this.#moveToFile();
      await inFile.write(piece);
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  async commit(id: ChunkId): Promise<StoredChunkInfo> {
    assert(!this.#isEnded, "a put ends once");
    this.#isEnded = true;
    if (this.#inFile !== undefined) return this.#inFile.commit(id);
    try {
      if (this.#failure !== undefined) throw this.#failure;
      this.#incoming.finish(id);
      const { lengthBytes, blockChecksums } = this.#incoming;
      const { epoch } = this.#options;
      return await this.#parts.small.put({
        id,
        lengthBytes,
        epoch,
        blockChecksums,
        data: this.#data,
      });
    } finally {
      this.#letGo();
    }
  }

  async abort(): Promise<void> {
    this.#isEnded = true;
    if (this.#inFile === undefined) this.#letGo();
    else await this.#inFile.abort();
  }

  /** Whether so many more bytes may stay in memory; it never waits, since the sender of others might wait for us. */
  #keeps(sizeBytes: number): boolean {
    if (this.#incoming.lengthBytes + sizeBytes >= SEGMENT_CHUNK_BYTES_END) return false;
    const giveBack = this.#parts.budget.tryTake(sizeBytes);
    if (giveBack !== undefined) this.#taken.push(giveBack);
    return giveBack !== undefined;
  }

  async #moveToFile(): Promise<ChunkWriter> {
    // The file's store takes its own room for all of it.
    this.#parts.room();
    const begun = { incoming: this.#incoming, data: this.#data };
    this.#inFile = await this.#parts.large.continuePut(this.#options, begun);
    this.#letGo();
    return this.#inFile;
  }

  #letGo(): void {
    this.#data.length = 0;
    for (const giveBack of this.#taken.splice(0)) giveBack();
    this.#parts.room();
  }
}

/** Two lists in the order of ids as one; of what is in both, the later epoch. */
function merge(
  left: readonly StoredChunkInfo[],
  right: readonly StoredChunkInfo[],
): StoredChunkInfo[] {
  const merged = [...left, ...right].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return merged.filter((info, index) => {
    const other = merged[index + 1];
    const before = merged[index - 1];
    if (other?.id === info.id) return info.epoch >= other.epoch;
    return before?.id !== info.id || info.epoch > before.epoch;
  });
}
