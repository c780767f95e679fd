import { assert } from "@cairnfs/base/assert";
import { crc32c } from "@cairnfs/base/checksum";
import type { Disk, DiskFile } from "@cairnfs/base/disk";
import { isPageAligned, PAGE_BYTES, type PagePool, wholePages } from "@cairnfs/base/page-memory";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ChunkPiece, ChunkWriter, PutOptions, StoredChunkInfo } from "../chunk-store.ts";
import { IncomingChunk } from "../incoming-chunk.ts";
import { storeError } from "../store-error.ts";
import { dataOffsetFor, encodeChecksums, encodeSlot, TABLE_OFFSET_BYTES } from "./chunk-file.ts";

/** A draft that is whole and synced but for its header, on its way to its place. */
export interface FinishedDraft {
  readonly id: ChunkId;
  readonly path: string;
  readonly lengthBytes: number;
  readonly fileBytes: number;
  readonly epoch: number;
  /** Writes the header, which makes the file whole, and syncs it. */
  seal(epoch: number): Promise<void>;
}

/** The first pieces of a chunk, which were checked. */
export interface BegunChunk {
  readonly incoming: IncomingChunk;
  readonly data: readonly Uint8Array[];
}

/** What a writer needs of its store. */
export interface DraftKeeper {
  /** Moves a finished draft to its place, durably. */
  place(draft: FinishedDraft): Promise<StoredChunkInfo>;
  /** The writer is done, whichever way, and its draft is gone. */
  forget(writer: FileChunkWriter): void;
}

/** From this many bytes on, what was written is synced on the way: the last sync would keep others waiting for it all. */
const SYNC_EVERY_BYTES = 32 * 1024 * 1024;

/** How drafts are written. */
export interface DraftDisk {
  readonly disk: Disk;
  /**
   * When given, drafts are written past the system's cache, which costs more than the disk and would keep what nobody has asked for. What
   * is not whole pages is put here first.
   */
  readonly staging: PagePool | undefined;
}

/** Streams a chunk into a draft file; memory does not grow with the chunk but for its checksums. */
export class FileChunkWriter implements ChunkWriter {
  readonly #drafts: DraftDisk;
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #keeper: DraftKeeper;
  readonly #epoch: number;
  readonly #incoming: IncomingChunk;
  readonly #dataOffsetBytes: number;
  #unsyncedBytes = 0;
  #syncing: Promise<void> | undefined;
  #failure: unknown;
  #ending: Promise<unknown> | undefined;

  private constructor(
    drafts: DraftDisk,
    draft: { readonly path: string; readonly file: DiskFile },
    options: PutOptions & { readonly incoming: IncomingChunk },
    keeper: DraftKeeper,
  ) {
    this.#drafts = drafts;
    this.#path = draft.path;
    this.#file = draft.file;
    this.#keeper = keeper;
    this.#epoch = options.epoch;
    this.#incoming = options.incoming;
    this.#dataOffsetBytes = dataOffsetFor(options.lengthLimitBytes);
  }

  /** Begins a draft at `path`. What has `begun` to arrive was checked and is written as it is. */
  static async open(
    drafts: DraftDisk,
    path: string,
    options: PutOptions & { readonly begun: BegunChunk | undefined },
    keeper: DraftKeeper,
  ): Promise<FileChunkWriter> {
    const { begun, lengthLimitBytes } = options;
    const incoming = begun?.incoming ?? new IncomingChunk(options);
    const isDirect = drafts.staging !== undefined;
    const file = await drafts.disk.open(path, "create", { isDirect });
    const writer = new FileChunkWriter(drafts, { path, file }, { ...options, incoming }, keeper);
    if (begun === undefined) return writer;
    try {
      let position = dataOffsetFor(lengthLimitBytes);
      for (const data of begun.data) {
        await writer.#writeData(data, position);
        position += data.byteLength;
      }
    } catch (error) {
      await writer.abort();
      throw error;
    }
    return writer;
  }

  async write(piece: ChunkPiece): Promise<void> {
    const position = this.#dataOffsetBytes + this.#incoming.lengthBytes;
    // The disk works while we check. What it has written is of no consequence when the check fails.
    const writing = this.#writeData(piece.data, position);
    try {
      this.#incoming.take(piece);
      await writing;
      await this.#syncOnTheWay(piece.data.byteLength);
    } catch (error) {
      this.#failure = storeError(error, "writing a chunk");
      await writing.catch(() => undefined);
      throw this.#failure;
    }
  }

  commit(id: ChunkId): Promise<StoredChunkInfo> {
    assert(this.#ending === undefined, "a put ends once");
    const commit = this.#commit(id);
    this.#ending = commit;
    return commit;
  }

  /** Ends the put unless a commit has begun, which it then waits for. */
  async abort(): Promise<void> {
    this.#ending ??= this.#discard();
    // Whoever called commit hears of its failure.
    await this.#ending.catch(() => undefined);
  }

  async #commit(id: ChunkId): Promise<StoredChunkInfo> {
    try {
      if (this.#failure !== undefined) throw this.#failure;
      this.#incoming.finish(id);
      await this.#syncing;
      const info = await this.#keeper.place({
        id,
        path: this.#path,
        lengthBytes: this.#incoming.lengthBytes,
        fileBytes: this.#dataOffsetBytes + this.#incoming.lengthBytes,
        epoch: this.#epoch,
        seal: (epoch) => this.#seal(id, epoch),
      });
      // It is durable: that its descriptor does not close well changes nothing.
      await this.#file.close().catch(() => undefined);
      this.#keeper.forget(this);
      return info;
    } catch (error) {
      await this.#discard();
      throw storeError(error, `storing chunk ${id}`);
    }
  }

  async #discard(): Promise<void> {
    await this.#syncing?.catch(() => undefined);
    try {
      await this.#file.close();
      await this.#drafts.disk.remove(this.#path);
    } catch (error) {
      // What is left of it goes when the store is opened the next time.
      if (storeError(error, "") === error) throw error;
    } finally {
      this.#keeper.forget(this);
    }
  }

  async #seal(id: ChunkId, epoch: number): Promise<void> {
    const table = encodeChecksums(this.#incoming.blockChecksums);
    const header = encodeSlot({
      id,
      lengthBytes: this.#incoming.lengthBytes,
      epoch,
      verifiedMs: 0,
      sequence: 1,
      dataOffsetBytes: this.#dataOffsetBytes,
      tableChecksum: crc32c(table),
    });
    await this.#writeHead(header, table);
    const fileBytes = this.#dataOffsetBytes + this.#incoming.lengthBytes;
    const { staging } = this.#drafts;
    // Direct writes filled the last page up.
    if (staging !== undefined && fileBytes % PAGE_BYTES !== 0) await this.#file.truncate(fileBytes);
    await this.#file.sync();
  }

  /** Both slots are written, so that a change of the header needs no room on a full disk. */
  async #writeHead(header: Uint8Array, table: Uint8Array): Promise<void> {
    const head = Buffer.alloc(TABLE_OFFSET_BYTES + table.byteLength);
    head.set(header);
    head.set(table, TABLE_OFFSET_BYTES);
    await this.#writeData(head, 0);
  }

  /** Writes at a multiple of a page. */
  async #writeData(data: Uint8Array, position: number): Promise<void> {
    const { staging } = this.#drafts;
    if (staging === undefined || (isPageAligned(data) && data.byteLength % PAGE_BYTES === 0)) {
      await this.#file.write([data], position);
      return;
    }
    await staging.lend(async (buffer) => {
      for (let at = 0; at < data.byteLength; at += buffer.byteLength) {
        const part = data.subarray(at, at + buffer.byteLength);
        const pages = buffer.subarray(0, wholePages(part.byteLength));
        pages.set(part);
        pages.fill(0, part.byteLength);
        await this.#file.write([pages], position + at);
      }
    });
  }

  async #syncOnTheWay(writtenBytes: number): Promise<void> {
    // What is written directly is on the disk but for its metadata.
    if (this.#drafts.staging !== undefined) return;
    this.#unsyncedBytes += writtenBytes;
    if (this.#unsyncedBytes < SYNC_EVERY_BYTES) return;
    await this.#syncing;
    this.#unsyncedBytes = 0;
    this.#syncing = this.#file.sync();
    // Heard by the next who awaits it.
    this.#syncing.catch(() => undefined);
  }
}
