import { createSha256, type Sha256 } from "@cairnfs/base/checksum";
import { deadlineAfter } from "@cairnfs/base/clock";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import { Limit } from "@cairnfs/base/limit";
import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { type LinkedAbort, linkAbort } from "../abort.ts";
import { ChunkFinder } from "./chunk-finder.ts";
import { ContentAppender, type ReadyChunk } from "./content-appender.ts";
import { heldReceipts } from "./held-receipts.ts";
import type { Placements } from "./placements.ts";
import { ProgressCounter } from "./progress.ts";
import {
  type ChunkBytes,
  referenceTo,
  storeWithFailover,
  type UploadedChunk,
} from "./store-with-failover.ts";
import type { PutResult, PutTerms, UploadParts, UploadSession } from "./upload-parts.ts";

/** Below this a question whether the cluster has a chunk costs more than sending it. */
export const DEDUPE_BYTES_MIN = 64 * 1024;
/** How many chunks of its own an upload remembers, to send what repeats once. */
const REMEMBERED_MOST = 4_096;

/** Whose chunks these are, and how the upload behaves. */
export interface UploadRunOptions {
  readonly session: UploadSession;
  readonly placements: Placements;
  readonly put: PutTerms;
  readonly totalBytes: number | undefined;
  /** Add chunks as soon as they are stored, because their memory is held until then. */
  readonly isEager: boolean;
}

/**
 * The state of one upload into an open session: its parallel stores, its memory, its hash and how far it is. However it
 * ends, nothing of it runs afterwards and its memory is given back; the session stays as it is unless it was committed.
 */
export class UploadRun {
  readonly parts: UploadParts;
  readonly session: UploadSession;
  readonly #options: UploadRunOptions;
  readonly #abort: LinkedAbort;
  readonly #progress: ProgressCounter;
  readonly #finder: ChunkFinder;
  readonly #appender: ContentAppender;
  readonly #stores: Limit;
  readonly #tasks = new Set<Promise<void>>();
  readonly #memory = new Set<() => void>();
  readonly #remembered = new Map<ChunkId, Promise<UploadedChunk>>();
  #onTaskEnd: (() => void)[] = [];
  #failure: { readonly error: unknown } | undefined;
  #fileHash: Sha256 | undefined;
  #fileSha256: Uint8Array = new Uint8Array(0);
  /** When it is known. */
  chunkCount: number | undefined;

  constructor(parts: UploadParts, options: UploadRunOptions) {
    const { session, put } = options;
    this.parts = parts;
    this.session = session;
    this.#options = options;
    this.#abort = linkAbort(put.signal);
    this.#progress = new ProgressCounter(options.totalBytes, put.onProgress);
    this.#finder = new ChunkFinder(
      parts.coordinator,
      { sessionId: session.id },
      this.#abort.signal,
    );
    this.#stores = new Limit(parts.config.parallelChunks);
    this.#appender = new ContentAppender(parts.coordinator, session, {
      isEager: options.isEager,
      signal: this.#abort.signal,
      onFailure: (error) => this.#fail(error),
    });
  }

  /** The source's size, when it is known. */
  get totalBytes(): number | undefined {
    return this.#options.totalBytes;
  }

  /** Fires when the upload has failed or was given up. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Runs `produce`, which adds all chunks and resolves with the file's size, and commits. */
  async run(produce: () => Promise<number>): Promise<PutResult> {
    try {
      const sizeBytes = await produce();
      await Promise.all(this.#tasks);
      this.#throwFailure();
      checkSize(this.#options.put.sizeBytes, sizeBytes);
      const sha256 = this.#fileHash?.digest() ?? this.#fileSha256;
      const object = await this.#options.put.object?.attributes();
      const entry = await this.#appender.finish({ sha256, sizeBytes, object });
      const { sentBytes, skippedBytes } = this.#progress;
      return { entry, sentBytes, skippedBytes };
    } catch (error) {
      this.#fail(error);
      this.#appender.stop();
      await Promise.allSettled(this.#tasks);
      throw this.#failure?.error ?? error;
    } finally {
      for (const giveBack of this.#memory) giveBack();
      // A client that uploads nothing keeps nothing.
      if (this.parts.budget.usedBytes === 0) this.parts.buffers.clear();
      this.#abort.release();
    }
  }

  /** Reserves memory; what is not given back by the end is given back then. */
  async memory(sizeBytes: number, signal: AbortSignal = this.signal): Promise<() => void> {
    if (sizeBytes === 0) return () => undefined;
    const giveBack = await this.parts.budget.take(sizeBytes, signal);
    const release = () => {
      this.#memory.delete(release);
      giveBack();
    };
    this.#memory.add(release);
    return release;
  }

  /** The same, but undefined when none comes free in the time that the caller has for that. */
  async memoryInTime(sizeBytes: number): Promise<(() => void) | undefined> {
    const { memoryPatienceMs } = this.#options.put;
    if (memoryPatienceMs === undefined) return this.memory(sizeBytes);
    const deadline = deadlineAfter(this.parts.config.clock, memoryPatienceMs, this.signal);
    try {
      return await this.memory(sizeBytes, deadline.signal);
    } catch (error) {
      if (this.signal.aborted || !hasReason(error, "deadlineExceeded")) throw error;
      return undefined;
    } finally {
      deadline.release();
    }
  }

  /** From here on the whole file is hashed, if that is wanted. */
  startFileHash(): void {
    if (this.#options.put.checksum === true) this.#fileHash = createSha256();
  }

  /** Continues the hash of the whole file, in file order. */
  hashFile(bytes: Uint8Array): void {
    this.#fileHash?.update(bytes);
  }

  /** The file is this one chunk, so their hashes are the same. */
  isOneChunk(id: ChunkId): void {
    this.#fileSha256 = chunkIdToBytes(id);
  }

  /** Makes a chunk ready beside others; resolves when the next one may be begun. A failure ends the upload. */
  async add(index: number, makeReady: () => Promise<ReadyChunk>): Promise<void> {
    const task: Promise<void> = makeReady()
      .then(
        (ready) => this.#appender.deliver(index, ready),
        (error: unknown) => this.#fail(error),
      )
      .finally(() => {
        this.#tasks.delete(task);
        for (const wake of this.#onTaskEnd.splice(0)) wake();
      });
    this.#tasks.add(task);
    while (this.#tasks.size >= this.parts.config.parallelChunks * 2) {
      await new Promise<void>((resolve) => this.#onTaskEnd.push(resolve));
    }
    await this.#appender.room(index + 1);
    this.#throwFailure();
  }

  /** Gets a chunk whose id is known into the cluster: finds it there, or stores it. */
  async place(
    chunk: ChunkBytes & { readonly id: ChunkId; readonly lengthBytes: number },
  ): Promise<UploadedChunk> {
    const { id, lengthBytes } = chunk;
    const known = this.#remembered.get(id);
    if (known !== undefined) {
      const uploaded = await known;
      this.#progress.skipped(lengthBytes);
      return uploaded;
    }
    const placed = this.#placeNew(chunk);
    if (this.#remembered.size < REMEMBERED_MOST) this.#remembered.set(id, placed);
    return placed;
  }

  /** Stores a chunk, whether or not the cluster has it. */
  store(chunk: ChunkBytes): Promise<UploadedChunk> {
    const { session, placements } = this.#options;
    const request = {
      session,
      placements,
      chunkCount: this.chunkCount,
      progress: this.#progress,
      signal: this.signal,
    };
    return this.#stores.run(() => storeWithFailover(this.parts, chunk, request), this.signal);
  }

  async #placeNew(
    chunk: ChunkBytes & { readonly id: ChunkId; readonly lengthBytes: number },
  ): Promise<UploadedChunk> {
    const { id, index, lengthBytes } = chunk;
    if (index < this.session.addedChunks)
      return this.#skip(referenceTo(chunkIdToBytes(id), lengthBytes));
    if (this.session.isResumed) {
      const placement = await this.#options.placements.peek(index, this.chunkCount, this.signal);
      const asked = { placement, session: this.session, id, lengthBytes, signal: this.signal };
      const held = await heldReceipts(this.parts, asked);
      if (held !== undefined) return this.#skip(held);
    }
    const mayFind = this.#options.put.dedupe !== false && lengthBytes >= DEDUPE_BYTES_MIN;
    if (mayFind && (await this.#finder.find(id)))
      return this.#skip(referenceTo(chunkIdToBytes(id), lengthBytes));
    return this.store(chunk);
  }

  #skip(uploaded: UploadedChunk): UploadedChunk {
    this.#progress.skipped(Number(uploaded.lengthBytes));
    return uploaded;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#abort.abort(error);
    this.#appender.stop();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** A source that ends early must not become a file. */
export function checkSize(expectedBytes: number | undefined, sizeBytes: number): void {
  if (expectedBytes === undefined || expectedBytes === sizeBytes) return;
  throw new CairnError(
    "uploadMismatch",
    `the source has ${sizeBytes} bytes, expected ${expectedBytes}`,
    { details: { addedBytes: sizeBytes, expectedBytes } },
  );
}
