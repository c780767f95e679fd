import type { MessageInitShape } from "@bufbuild/protobuf";
import { hasReason } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import type { ObjectAttributesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type { CoordinatorLink } from "../coordinator-link.ts";
import { entryFromWire, type FileEntry } from "../entry.ts";
import type { UploadedChunk } from "./store-with-failover.ts";
import type { UploadSession } from "./upload-parts.ts";

/** A chunk that can be added to the upload's content. */
export interface ReadyChunk {
  readonly uploaded: UploadedChunk;
  /** Stores the chunk once more under a fresh placement: what is stored was let go meanwhile. */
  readonly storeAgain: () => Promise<UploadedChunk>;
  /** The content has it: its bytes are not needed any more. */
  readonly added: () => void;
}

export interface AppenderOptions {
  /** Add as soon as there is something to add, because memory is held until then. */
  readonly isEager: boolean;
  readonly signal: AbortSignal;
  /** Told, once, of a failure in the background. */
  readonly onFailure: (error: unknown) => void;
}

/** What the commit says of the content. */
export interface WholeContent {
  readonly sha256: Uint8Array;
  readonly sizeBytes: number;
  /** Of an object, or of a part of one. */
  readonly object: MessageInitShape<typeof ObjectAttributesSchema> | undefined;
}

/** The most chunks of one AddChunks or CommitUpload. */
const CHUNKS_MOST = 4_096;
/** How many chunks are worth a call, when nothing presses. */
const CHUNKS_WORTH_A_CALL = 32;
/** How far ahead of the first missing chunk others may be ready. */
const AHEAD_MOST = 1_024;
/** How often chunks of one call are stored again; a refusal names at most 32 of them. */
const STORED_AGAIN_MOST = CHUNKS_MOST / 32 + 3;

/**
 * Hands stored chunks to the coordinator in file order. One call is under way at a time; everything that has become contiguous
 * meanwhile goes in the next, and what is left goes with the commit.
 */
export class ContentAppender {
  readonly #coordinator: CoordinatorLink;
  readonly #session: UploadSession;
  readonly #options: AppenderOptions;
  readonly #ready = new Map<number, ReadyChunk>();
  #nextIndex = 0;
  #offsetBytes = 0;
  #adding: Promise<void> | undefined;
  #isFinishing = false;
  #onRoom: (() => void)[] = [];

  constructor(coordinator: CoordinatorLink, session: UploadSession, options: AppenderOptions) {
    this.#coordinator = coordinator;
    this.#session = session;
    this.#options = options;
  }

  /** Takes a chunk; any order. */
  deliver(index: number, chunk: ReadyChunk): void {
    this.#ready.set(index, chunk);
    this.#addSoon();
  }

  /** Resolves when the chunk with this index is not too far ahead of the first that is missing. */
  async room(index: number): Promise<void> {
    while (index - this.#nextIndex >= AHEAD_MOST) {
      this.#options.signal.throwIfAborted();
      await new Promise<void>((resolve) => this.#onRoom.push(resolve));
    }
  }

  /** Wakes who waits for room; for when the upload ends early. */
  stop(): void {
    for (const wake of this.#onRoom.splice(0)) wake();
  }

  /** Commits, with everything that was not added yet: the file is there when this resolves. */
  async finish({ sha256, sizeBytes, object }: WholeContent): Promise<FileEntry> {
    this.#isFinishing = true;
    await this.#adding;
    while (this.#ready.size > CHUNKS_MOST) await this.#addBatch(this.#contiguous());
    const batch = this.#contiguous();
    const reply = await this.#handOver(batch, (chunks) =>
      this.#coordinator.call(
        (client, options) =>
          client.commitUpload(
            {
              sessionId: this.#session.id,
              offsetBytes: BigInt(this.#offsetBytes),
              chunks,
              sha256,
              sizeBytes: BigInt(sizeBytes),
              ...(object !== undefined && { object }),
            },
            options,
          ),
        { signal: this.#options.signal, isMutation: true },
      ),
    );
    this.#passed(batch);
    return entryFromWire(reply.entry, this.#session.path);
  }

  #addSoon(): void {
    if (this.#adding !== undefined || this.#isFinishing) return;
    const batch = this.#contiguous();
    if (batch.length < (this.#options.isEager ? 1 : CHUNKS_WORTH_A_CALL)) return;
    this.#adding = this.#addBatch(batch).then(
      () => {
        this.#adding = undefined;
        this.#addSoon();
      },
      (error: unknown) => {
        this.#adding = undefined;
        this.#options.onFailure(error);
      },
    );
  }

  async #addBatch(batch: readonly ReadyChunk[]): Promise<void> {
    await this.#handOver(batch, (chunks) =>
      this.#coordinator.call(
        (client, options) =>
          client.addChunks(
            { sessionId: this.#session.id, offsetBytes: BigInt(this.#offsetBytes), chunks },
            options,
          ),
        { signal: this.#options.signal, isMutation: true },
      ),
    );
    this.#passed(batch);
  }

  #contiguous(): ReadyChunk[] {
    const batch: ReadyChunk[] = [];
    for (let index = this.#nextIndex; batch.length < CHUNKS_MOST; index++) {
      const chunk = this.#ready.get(index);
      if (chunk === undefined) break;
      batch.push(chunk);
    }
    return batch;
  }

  #passed(batch: readonly ReadyChunk[]): void {
    for (const chunk of batch) {
      this.#ready.delete(this.#nextIndex);
      this.#nextIndex += 1;
      this.#offsetBytes += Number(chunk.uploaded.lengthBytes);
      chunk.added();
    }
    this.stop();
  }

  /** Sends a batch; chunks that the coordinator wants sent (again) are stored, and the batch goes once more. */
  async #handOver<T>(
    batch: readonly ReadyChunk[],
    send: (chunks: UploadedChunk[]) => Promise<T>,
  ): Promise<T> {
    let chunks = batch.map((chunk) => chunk.uploaded);
    for (let times = 1; ; times++) {
      try {
        return await send(chunks);
      } catch (error) {
        const wanted = wantedChunks(error);
        if (wanted.size === 0 || times > STORED_AGAIN_MOST) throw error;
        const again = await storeAgain(batch, wanted);
        if (again.size === 0) throw error;
        // The same bytes may be in the file several times.
        chunks = chunks.map((chunk) => again.get(toHex(chunk.chunkId)) ?? chunk);
      }
    }
  }
}

/** Stores those of the batch that are wanted; one after the other, since this is rare. */
async function storeAgain(
  batch: readonly ReadyChunk[],
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, UploadedChunk>> {
  const again = new Map<string, UploadedChunk>();
  for (const { uploaded, storeAgain: store } of batch) {
    const id = toHex(uploaded.chunkId);
    if (wanted.has(id) && !again.has(id)) again.set(id, await store());
  }
  return again;
}

/**
 * The chunks that a refusal names: their deletion was decided after they were stored or found, the right to refer to them is
 * gone, or too few of their nodes are alive.
 */
function wantedChunks(error: unknown): ReadonlySet<string> {
  if (!hasReason(error, "chunkNeeded", "quorumNotReached")) return new Set();
  const ids = error.details["chunkIds"] ?? error.details["chunkId"];
  return new Set(typeof ids === "string" ? ids.split(",") : []);
}
