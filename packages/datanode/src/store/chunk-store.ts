import type { Closable } from "@cairnfs/base/lifecycle";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";

/** The latest store epoch there can be: an epoch has 48 bits. */
export const EPOCH_MAX = 2 ** 48 - 1;

/** A piece of a chunk with the CRC-32C of each 64 KiB block of it; blocks are counted from the chunk's start. */
export interface ChunkPiece {
  /** All but a chunk's last piece are a multiple of 64 KiB long. */
  readonly data: Uint8Array;
  readonly blockChecksums: readonly number[];
  /** Of a piece that was read: gives its memory back to the store, when nobody looks at the data any more. Nobody has to. */
  readonly release?: (() => void) | undefined;
}

/** What a store knows of a copy it holds. */
export interface StoredChunkInfo {
  readonly id: ChunkId;
  readonly lengthBytes: number;
  /** The store epoch it was written, or last claimed, in. */
  readonly epoch: number;
  /** When the copy was last read whole and found intact; 0 for not since it was stored. */
  readonly verifiedMs: number;
}

export interface StoreSpace {
  readonly capacityBytes: number;
  readonly usedBytes: number;
  /** What new chunks may take: never negative, and less the reserve that keeps deletes working. */
  readonly availableBytes: number;
  readonly chunkCount: number;
  /** Bad copies that are kept aside; their bytes are among the used ones. */
  readonly quarantine: { readonly copies: number; readonly sizeBytes: number };
}

/** Is waited for before so many bytes are read, by work that is not to have the disk for itself. */
export type Pace = (sizeBytes: number) => Promise<void>;

export interface ListOptions {
  /**
   * Also the copies whose own header is damaged or cannot be read, with 0 for all that is not known of them. They are not held: what
   * can be done with one is to verify it.
   */
  readonly withDamaged?: boolean;
}

/** A chunk that is in memory whole, whose SHA-256 the giver has compared with its id. */
export interface WholeChunk {
  readonly id: ChunkId;
  readonly epoch: number;
  readonly data: Uint8Array;
  /** The CRC-32C of each 64 KiB. */
  readonly blockChecksums: readonly number[];
}

/** How a put begins. */
export interface PutOptions {
  /** Refused with `storeFull` unless so many bytes fit. */
  readonly lengthLimitBytes: number;
  /** When the giver knows beforehand: stores may go by it, and do not hold him to it. */
  readonly lengthBytes?: number | undefined;
  readonly epoch: number;
  /** The giver sees to it that the SHA-256 is the id's, so `commit` does not compare. */
  readonly isIdVerified?: boolean;
  /** The giver sees to it that blocks match their checksums before he commits, so `write` does not compare. */
  readonly areBlocksVerified?: boolean;
}

/**
 * A chunk on its way in. Feed it pieces in order, then `commit` or `abort`; exactly one of the two must be called, also
 * after `write` has failed. Writing waits while the disk is slower than the sender.
 */
export interface ChunkWriter {
  /**
   * Takes a piece: verifies each block against its checksum (`chunkMismatch`), unless the giver does, and writes it. The bytes are
   * the caller's again when this resolves.
   */
  write(piece: ChunkPiece): Promise<void>;
  /**
   * Checks the SHA-256 of all pieces against `id` (`chunkMismatch`), then makes the chunk durable and visible. When this
   * resolves the chunk survives a crash; when it rejects nothing of it can be read, now or after a restart.
   * A chunk that is already held is replaced, keeping the higher epoch.
   */
  commit(id: ChunkId): Promise<StoredChunkInfo>;
  /** Forgets what was written. */
  abort(): Promise<void>;
}

export interface ReadOptions {
  readonly offsetBytes: number;
  /** At least 1; the range ends within the chunk. */
  readonly lengthBytes: number;
}

/** The outcome of reading a whole copy. A corrupt one is quarantined: never served again, its bytes kept aside. */
export type Verdict = "intact" | "corrupt" | "missing";

/** Where a datanode keeps chunks. Each implementation passes `describeChunkStore`. */
export interface ChunkStore extends Closable {
  /** Begins a put; nothing is visible before `commit`. `storeFull` when there is no room. */
  put(options: PutOptions): Promise<ChunkWriter>;
  /**
   * Verifies each block against its checksum (`chunkMismatch`) and makes the chunk durable and visible, as a put of one piece
   * does; `storeFull` when there is no room. The bytes are the caller's again when this settles.
   */
  putWhole(chunk: WholeChunk): Promise<StoredChunkInfo>;
  /**
   * What is known of a copy without reading it; undefined when it is not held (or quarantined). With `lengthBytes` a store may look
   * only where it puts chunks of that length, and miss one that lies elsewhere.
   */
  info(id: ChunkId, lengthBytes?: number): Promise<StoredChunkInfo | undefined>;
  /**
   * The whole blocks that the range touches, in order, in pieces of at most 1 MiB, with the checksums that were stored.
   * `chunkNotFound`, `rangeNotSatisfiable`; `storeFailed` when the disk errs. Does not verify: the reader does, end to end.
   * A piece's bytes are the reader's.
   */
  read(id: ChunkId, options: ReadOptions): AsyncIterable<ChunkPiece>;
  /** Raises the copy's epoch durably, so that an older deletion spares it; false when it is not held. */
  claim(id: ChunkId, epoch: number): Promise<boolean>;
  /**
   * Deletes a copy stored or claimed in an epoch up to `epochMax`; true when no such copy is left, durably: also when
   * there was none, for the collector may ask twice, and when the copy is of a later epoch and stays. Works on a full disk.
   */
  delete(id: ChunkId, epochMax: number): Promise<boolean>;
  /**
   * Reads the whole copy, compares block checksums and id, and notes when. A copy that the medium does not give is corrupt; when
   * something else keeps it from being read, that says nothing of it and is thrown.
   */
  verify(id: ChunkId, signal: AbortSignal, pace?: Pace): Promise<Verdict>;
  /** Calls `listener` for each copy that was found bad, whoever looked, once it is out of service; the function returned stops that. */
  onBadCopy(listener: (id: ChunkId) => void): () => void;
  /** The inventory in the order of ids, after `after`, at most `limit`. */
  list(
    after: ChunkId | undefined,
    limit: number,
    options?: ListOptions,
  ): Promise<StoredChunkInfo[]>;
  space(): Promise<StoreSpace>;
}
