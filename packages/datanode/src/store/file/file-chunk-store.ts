import { join } from "node:path";
import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import { readWhole, removeDurably, writeDurably } from "@cairnfs/base/durable-file";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { blocksOf, piecesOf } from "../block-range.ts";
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
} from "../chunk-store.ts";
import { KeyLock } from "../key-lock.ts";
import { LruMap } from "../lru-map.ts";
import { putInOnePiece } from "../put-in-one-piece.ts";
import type { Damage, Quarantine } from "../quarantine.ts";
import { readAhead } from "../read-ahead.ts";
import { SharedSync } from "../shared-sync.ts";
import type { SpaceLedger } from "../space-ledger.ts";
import { damageShownBy, storeError } from "../store-error.ts";
import { decodeUsage, encodeUsage } from "../usage-record.ts";
import { type ChunkFileHeader, dataOffsetFor } from "./chunk-file.ts";
import { DirectFiles } from "./direct-files.ts";
import {
  type BegunChunk,
  type DraftKeeper,
  FileChunkWriter,
  type FinishedDraft,
} from "./file-chunk-writer.ts";
import { inspectFile } from "./inspect-file.ts";
import { ChunkLayout } from "./layout.ts";
import { listChunkFiles } from "./list-chunk-files.ts";
import { type HeaderChange, OpenChunkFile } from "./open-chunk-file.ts";

/** What a store on a disk is handed. */
export interface StoreParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Shared by the stores of one disk. */
  readonly ledger: SpaceLedger;
  /** Shared by the stores of one folder. */
  readonly quarantine: Quarantine;
}

const INFOS_MAX = 4096;

/** One file for each chunk. Memory does not grow with their number. */
export class FileChunkStore implements ChunkStore {
  readonly #parts: StoreParts;
  readonly #usagePath: string;
  readonly #layout: ChunkLayout;
  readonly #syncs: SharedSync;
  readonly #locks = new KeyLock<ChunkId>();
  /** What is known to be durable of the copies used last. */
  readonly #infos = new LruMap<ChunkId, StoredChunkInfo>(INFOS_MAX);
  readonly #writers = new Set<FileChunkWriter>();
  /** Undefined where there are none. */
  #direct: DirectFiles | undefined;
  #chunkCount = 0;
  #usedBytes = 0;
  #draftNumber = 0;
  #isClosed = false;

  private constructor(folder: string, parts: StoreParts) {
    this.#parts = parts;
    this.#usagePath = join(folder, "usage");
    this.#syncs = new SharedSync(parts.disk);
    this.#layout = new ChunkLayout(folder, parts.disk, this.#syncs);
  }

  /** Opens the store in `folder`, which one store at a time may have, and removes what interrupted puts left there. */
  static async open(folder: string, parts: StoreParts): Promise<FileChunkStore> {
    const store = new FileChunkStore(folder, parts);
    try {
      await store.#recover();
    } catch (error) {
      throw storeError(error, `opening ${folder}`);
    }
    return store;
  }

  put(options: PutOptions): Promise<ChunkWriter> {
    return this.continuePut(options, undefined);
  }

  /** Goes on with a put that has begun elsewhere; the bytes are the caller's again when this resolves. */
  async continuePut(options: PutOptions, begun: BegunChunk | undefined): Promise<ChunkWriter> {
    this.#refuseClosed();
    const limitBytes = options.lengthLimitBytes;
    const room = await this.#parts.ledger.take(limitBytes + dataOffsetFor(limitBytes));
    try {
      this.#draftNumber += 1;
      const path = join(this.#layout.drafts, String(this.#draftNumber));
      const keeper: DraftKeeper = {
        place: (draft) => this.#place(draft),
        forget: (gone) => {
          this.#writers.delete(gone);
          room();
        },
      };
      const drafts = { disk: this.#parts.disk, staging: this.#direct?.staging };
      const writer = await FileChunkWriter.open(drafts, path, { ...options, begun }, keeper);
      this.#writers.add(writer);
      return writer;
    } catch (error) {
      room();
      throw storeError(error, "beginning a put");
    }
  }

  /** Moves a finished draft to its place, durably. */
  #place(draft: FinishedDraft): Promise<StoredChunkInfo> {
    return this.#locks.run(draft.id, async () => {
      const path = this.#layout.path(draft.id);
      const replacedBytes = await this.#parts.disk.fileBytes(path);
      const before = replacedBytes === undefined ? undefined : await this.#find(draft.id);
      const epoch = Math.max(draft.epoch, before?.epoch ?? 0);
      await Promise.all([draft.seal(epoch), this.#layout.ensureFolder(draft.id)]);
      this.#infos.delete(draft.id);
      await this.#parts.disk.rename(draft.path, path);
      try {
        await this.#syncs.sync(this.#layout.folder(draft.id));
      } catch (error) {
        // Either name is good when it replaced one: the bytes are those of its id.
        if (replacedBytes === undefined) await this.#parts.disk.remove(path);
        throw error;
      }
      const info = { id: draft.id, lengthBytes: draft.lengthBytes, epoch, verifiedMs: 0 };
      this.#infos.set(draft.id, info);
      this.#count(replacedBytes === undefined ? 1 : 0, draft.fileBytes - (replacedBytes ?? 0));
      return info;
    });
  }

  putWhole(chunk: WholeChunk): Promise<StoredChunkInfo> {
    return putInOnePiece(this, chunk);
  }

  async info(id: ChunkId): Promise<StoredChunkInfo | undefined> {
    this.#refuseClosed();
    try {
      return await this.#find(id);
    } catch (error) {
      throw storeError(error, `looking for chunk ${id}`);
    }
  }

  async *read(id: ChunkId, options: ReadOptions): AsyncGenerator<ChunkPiece> {
    this.#refuseClosed();
    try {
      const direct = this.#direct?.isForReading(id, options) === true ? this.#direct : undefined;
      const file = await OpenChunkFile.open(
        this.#parts.disk,
        this.#layout.path(id),
        id,
        "read",
        direct,
      );
      if (file === undefined) throw new CairnError("chunkNotFound", `chunk ${id} is not here`);
      try {
        const range = blocksOf(file.header.lengthBytes, options);
        const table = await file.readTable();
        yield* readAhead(piecesOf(range), (piece) => file.readPiece(piece, table));
      } finally {
        await file.close();
      }
    } catch (error) {
      throw storeError(error, `reading chunk ${id}`);
    }
  }

  async claim(id: ChunkId, epoch: number): Promise<boolean> {
    this.#refuseClosed();
    return this.#locks.run(id, async () => {
      const known = this.#infos.get(id);
      if (known !== undefined && epoch <= known.epoch) return true;
      try {
        return await this.#update(id, (header) => (epoch > header.epoch ? { epoch } : undefined));
      } catch (error) {
        if (hasReason(error, "chunkCorrupt")) return false;
        throw storeError(error, `claiming chunk ${id}`);
      }
    });
  }

  async delete(id: ChunkId, epochMax: number): Promise<boolean> {
    this.#refuseClosed();
    return this.#locks.run(id, async () => {
      try {
        const path = this.#layout.path(id);
        const fileBytes = await this.#parts.disk.fileBytes(path);
        if (fileBytes === undefined) {
          // It may be gone by a deletion that could not be synced.
          await this.#syncs.settle(this.#layout.folder(id));
          return true;
        }
        const info = await this.#find(id);
        // A copy without a valid header has no epoch that could save it.
        if (info !== undefined && info.epoch > epochMax) {
          // An epoch that a crash could take back would not spare it.
          return this.#infos.get(id) !== undefined || (await this.#update(id, () => undefined));
        }
        this.#infos.delete(id);
        await this.#parts.disk.remove(path);
        this.#count(-1, -fileBytes);
        await this.#syncs.sync(this.#layout.folder(id));
        return true;
      } catch (error) {
        throw storeError(error, `deleting chunk ${id}`);
      }
    });
  }

  async verify(id: ChunkId, signal: AbortSignal, pace?: Pace): Promise<Verdict> {
    this.#refuseClosed();
    try {
      const verdict = await this.#inspect(id, signal, pace);
      return await this.#locks.run(id, async () => {
        if (verdict === "intact") {
          const verifiedMs = this.#parts.clock.now();
          return (await this.#update(id, () => ({ verifiedMs }))) ? verdict : "missing";
        }
        // It may have been replaced since: only what is corrupt now is set aside, and what is missing now forgotten.
        const again = await this.#inspect(id, signal);
        if (again === "missing") this.#forget(id);
        if (again === "missing" || again === "intact") return again;
        await this.#setAside(id, again);
        return "corrupt";
      });
    } catch (error) {
      throw storeError(error, `verifying chunk ${id}`);
    }
  }

  async list(
    after: ChunkId | undefined,
    limit: number,
    options?: ListOptions,
  ): Promise<StoredChunkInfo[]> {
    this.#refuseClosed();
    try {
      const find = (id: ChunkId) => this.#find(id);
      return await listChunkFiles(this.#layout, find, { after, limit, ...options });
    } catch (error) {
      throw storeError(error, "listing chunks");
    }
  }

  async space(): Promise<StoreSpace> {
    const { ledger, quarantine } = this.#parts;
    const chunkCount = this.#chunkCount;
    return { ...(await ledger.space()), chunkCount, quarantine: quarantine.use };
  }

  onBadCopy(listener: (id: ChunkId) => void): () => void {
    return this.#parts.quarantine.onTaken(listener);
  }

  /** How many chunks it holds; what `space` says, without asking the disk. */
  get chunkCount(): number {
    return this.#chunkCount;
  }

  /** Whether `delete` has something to do, or to make durable; answered without asking the disk. */
  hasToDelete(id: ChunkId): boolean {
    return this.#chunkCount > 0 || !this.#syncs.isSettled(this.#layout.folder(id));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([...this.#writers].map((writer) => writer.abort()));
    await this.#locks.settled();
    // Who counts also syncs what could not be synced here.
    if (this.#syncs.hasFailed) return;
    const usage = encodeUsage({ chunkCount: this.#chunkCount, usedBytes: this.#usedBytes });
    try {
      await writeDurably(this.#parts.disk, this.#usagePath, usage);
    } catch (error) {
      // It will be counted at the next start.
      this.#parts.logger.warn("the usage of the store could not be noted", {}, error);
    }
  }

  async #recover(): Promise<void> {
    const { disk } = this.#parts;
    await this.#layout.open();
    await this.#parts.quarantine.open();
    await this.#layout.removeDrafts();
    this.#direct = await DirectFiles.open(this.#layout.drafts, this.#parts);
    const record = await readWhole(disk, this.#usagePath);
    const usage = record === undefined ? undefined : decodeUsage(record);
    // From here on it would be wrong, so it must be gone before anything changes.
    await removeDurably(disk, this.#usagePath);
    if (usage === undefined) await this.#countAll();
    else this.#count(usage.chunkCount, usage.usedBytes);
  }

  async #countAll(): Promise<void> {
    const { disk } = this.#parts;
    for (const leaf of this.#layout.leavesFrom(undefined)) {
      // A process that was killed may have left names here that are not durable yet.
      await disk.syncFolder(this.#layout.leafPath(leaf));
      for (const id of await this.#layout.chunksIn(leaf)) {
        this.#count(1, (await disk.fileBytes(this.#layout.path(id))) ?? 0);
      }
    }
  }

  #count(chunks: number, sizeBytes: number): void {
    this.#chunkCount += chunks;
    this.#usedBytes += sizeBytes;
    this.#parts.ledger.add(sizeBytes);
  }

  async #find(id: ChunkId): Promise<StoredChunkInfo | undefined> {
    const known = this.#infos.get(id);
    if (known !== undefined) return known;
    try {
      const file = await OpenChunkFile.open(this.#parts.disk, this.#layout.path(id), id, "read");
      if (file === undefined) return undefined;
      await file.close();
      return file.info;
    } catch (error) {
      if (!hasReason(error, "chunkCorrupt")) throw error;
      this.#parts.logger.warn("a chunk file has no valid header", { chunk: id }, error);
      return undefined;
    }
  }

  /** Changes the header of a copy, durably, and has it durable also when there is nothing to change; false when it is not held. */
  async #update(
    id: ChunkId,
    change: (header: ChunkFileHeader) => HeaderChange | undefined,
  ): Promise<boolean> {
    const path = this.#layout.path(id);
    const file = await OpenChunkFile.open(this.#parts.disk, path, id, "update");
    if (file === undefined) return false;
    try {
      // What is known is known to be durable: until this is done, nothing is.
      if (this.#infos.delete(id) === undefined) {
        await file.confirm();
        await this.#syncs.settle(this.#layout.folder(id));
      }
      const changed = change(file.header);
      if (changed !== undefined) await file.update(changed);
      this.#infos.set(id, file.info);
      return true;
    } finally {
      await file.close();
    }
  }

  /** Reads the whole copy. */
  async #inspect(id: ChunkId, signal: AbortSignal, pace?: Pace): Promise<Verdict | "unreadable"> {
    signal.throwIfAborted();
    const path = this.#layout.path(id);
    const file = await OpenChunkFile.open(this.#parts.disk, path, id, "read").catch(damageShownBy);
    return typeof file === "string" ? file : inspectFile(file, signal, pace);
  }

  /** Forgets a copy whose file somebody else has removed. One that was not used lately stays counted until the next start. */
  #forget(id: ChunkId): void {
    const known = this.#infos.delete(id);
    if (known === undefined) return;
    this.#count(-1, -(known.lengthBytes + dataOffsetFor(known.lengthBytes)));
    this.#parts.logger.error("the file of a chunk is gone", { chunk: id });
  }

  async #setAside(id: ChunkId, damage: Damage): Promise<void> {
    const { disk, logger, quarantine } = this.#parts;
    const path = this.#layout.path(id);
    await quarantine.take(id, damage, async (slot) => {
      const fileBytes = (await disk.fileBytes(path)) ?? 0;
      this.#infos.delete(id);
      await disk.rename(path, slot);
      this.#chunkCount -= 1;
      // The disk has them still, so the ledger does.
      this.#usedBytes -= fileBytes;
      await this.#syncs.sync(this.#layout.folder(id));
      await this.#syncs.sync(this.#layout.quarantine);
      logger.error("a corrupt chunk was set aside", { chunk: id, path: slot });
      return fileBytes;
    });
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new CairnError("shuttingDown", "the store is closed");
  }
}
