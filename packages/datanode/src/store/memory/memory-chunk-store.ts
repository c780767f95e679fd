import { crc32c, createSha256 } from "@cairnfs/base/checksum";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { BLOCK_BYTES, type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { blocksOf, piecesOf } from "../block-range.ts";
import type {
  ChunkPiece,
  ChunkStore,
  ChunkWriter,
  Pace,
  PutOptions,
  ReadOptions,
  StoredChunkInfo,
  StoreSpace,
  Verdict,
  WholeChunk,
} from "../chunk-store.ts";
import { IncomingChunk } from "../incoming-chunk.ts";
import { putInOnePiece } from "../put-in-one-piece.ts";
import { type Room, SpaceLedger } from "../space-ledger.ts";

interface HeldChunk {
  info: StoredChunkInfo;
  readonly bytes: Uint8Array;
  readonly blockChecksums: readonly number[];
}

const CAPACITY_BYTES_DEFAULT = 256 * 1024 * 1024;

/** Chunks in memory, gone with the process: for tests and simulation, and the model of the other stores. */
export class MemoryChunkStore implements ChunkStore {
  readonly #clock: Clock;
  readonly #held = new Map<ChunkId, HeldChunk>();
  readonly #ledger: SpaceLedger;
  readonly #listeners = new Set<(id: ChunkId) => void>();

  constructor(clock: Clock, capacityBytes: number = CAPACITY_BYTES_DEFAULT) {
    this.#clock = clock;
    this.#ledger = new SpaceLedger(
      async () => ({ capacityBytes, availableBytes: Number.MAX_SAFE_INTEGER }),
      clock,
      { reserveBytes: 0 },
    );
  }

  async put(options: PutOptions): Promise<ChunkWriter> {
    const room = await this.#ledger.take(options.lengthLimitBytes);
    return new MemoryChunkWriter(options, room, (id, bytes, blockChecksums) =>
      this.#add({ id, epoch: options.epoch, bytes, blockChecksums }),
    );
  }

  putWhole(chunk: WholeChunk): Promise<StoredChunkInfo> {
    return putInOnePiece(this, chunk);
  }

  async info(id: ChunkId): Promise<StoredChunkInfo | undefined> {
    return this.#held.get(id)?.info;
  }

  async *read(id: ChunkId, options: ReadOptions): AsyncGenerator<ChunkPiece> {
    const held = this.#held.get(id);
    if (held === undefined) throw new CairnError("chunkNotFound", `chunk ${id} is not here`);
    for (const piece of piecesOf(blocksOf(held.info.lengthBytes, options))) {
      yield {
        // A copy; `slice` of a Buffer would be a view.
        data: new Uint8Array(held.bytes.subarray(piece.offsetBytes, piece.endBytes)),
        blockChecksums: held.blockChecksums.slice(piece.firstBlock, piece.endBlock),
      };
    }
  }

  async claim(id: ChunkId, epoch: number): Promise<boolean> {
    const held = this.#held.get(id);
    if (held === undefined) return false;
    held.info = { ...held.info, epoch: Math.max(held.info.epoch, epoch) };
    return true;
  }

  async delete(id: ChunkId, epochMax: number): Promise<boolean> {
    const held = this.#held.get(id);
    if (held !== undefined && held.info.epoch <= epochMax) this.#remove(id);
    return true;
  }

  async verify(id: ChunkId, signal: AbortSignal, pace?: Pace): Promise<Verdict> {
    signal.throwIfAborted();
    await pace?.(this.#held.get(id)?.info.lengthBytes ?? 0);
    const held = this.#held.get(id);
    if (held === undefined) return "missing";
    const hash = createSha256();
    hash.update(held.bytes);
    const isIntact =
      chunkIdFromBytes(hash.digest()) === id &&
      held.blockChecksums.every(
        (checksum, block) =>
          crc32c(held.bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)) === checksum,
      );
    if (!isIntact) {
      this.#remove(id);
      for (const listener of this.#listeners) listener(id);
      return "corrupt";
    }
    held.info = { ...held.info, verifiedMs: this.#clock.now() };
    return "intact";
  }

  async list(after: ChunkId | undefined, limit: number): Promise<StoredChunkInfo[]> {
    const ids = [...this.#held.keys()].filter((id) => after === undefined || id > after).sort();
    return ids.slice(0, limit).flatMap((id) => this.#held.get(id)?.info ?? []);
  }

  async space(): Promise<StoreSpace> {
    return {
      ...(await this.#ledger.space()),
      chunkCount: this.#held.size,
      quarantine: { copies: 0, sizeBytes: 0 },
    };
  }

  onBadCopy(listener: (id: ChunkId) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#held.clear();
  }

  /** Rots one byte of a copy, for tests of those who must find it. */
  corrupt(id: ChunkId, offsetBytes = 0): void {
    const bytes = this.#held.get(id)?.bytes;
    if (bytes !== undefined) bytes[offsetBytes] = (bytes[offsetBytes] ?? 0) ^ 1;
  }

  #add(chunk: {
    readonly id: ChunkId;
    readonly epoch: number;
    readonly bytes: Uint8Array;
    readonly blockChecksums: readonly number[];
  }): StoredChunkInfo {
    const before = this.#held.get(chunk.id);
    const info = {
      id: chunk.id,
      lengthBytes: chunk.bytes.byteLength,
      epoch: Math.max(chunk.epoch, before?.info.epoch ?? 0),
      verifiedMs: 0,
    };
    if (before !== undefined) this.#remove(chunk.id);
    this.#held.set(chunk.id, { info, bytes: chunk.bytes, blockChecksums: chunk.blockChecksums });
    this.#ledger.add(info.lengthBytes);
    return info;
  }

  #remove(id: ChunkId): void {
    this.#ledger.add(-(this.#held.get(id)?.info.lengthBytes ?? 0));
    this.#held.delete(id);
  }
}

type AddChunk = (
  id: ChunkId,
  bytes: Uint8Array,
  blockChecksums: readonly number[],
) => StoredChunkInfo;

class MemoryChunkWriter implements ChunkWriter {
  readonly #incoming: IncomingChunk;
  readonly #room: Room;
  readonly #add: AddChunk;
  readonly #parts: Uint8Array[] = [];
  #failure: unknown;

  constructor(options: PutOptions, room: Room, add: AddChunk) {
    this.#incoming = new IncomingChunk(options);
    this.#room = room;
    this.#add = add;
  }

  async write(piece: ChunkPiece): Promise<void> {
    try {
      this.#incoming.take(piece);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.#parts.push(new Uint8Array(piece.data));
  }

  async commit(id: ChunkId): Promise<StoredChunkInfo> {
    try {
      if (this.#failure !== undefined) throw this.#failure;
      this.#incoming.finish(id);
      return this.#add(id, Buffer.concat(this.#parts), this.#incoming.blockChecksums);
    } finally {
      this.#room();
    }
  }

  async abort(): Promise<void> {
    this.#parts.length = 0;
    this.#room();
  }
}
