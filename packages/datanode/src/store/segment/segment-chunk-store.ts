import { join } from "node:path";
import { assert } from "@cairnfs/base/assert";
import { createSha256 } from "@cairnfs/base/checksum";
import { hasErrorCode, readFully } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import { isPageAligned, pageBuffer } from "@cairnfs/base/page-memory";
import type { Random } from "@cairnfs/base/random";
import { type ChunkId, chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { allBlocks, type BlockRange, blocksOf } from "../block-range.ts";
import {
  type ChunkPiece,
  EPOCH_MAX,
  type Pace,
  type ReadOptions,
  type StoredChunkInfo,
  type Verdict,
} from "../chunk-store.ts";
import { takesDirectFiles } from "../file/direct-files.ts";
import type { StoreParts } from "../file/file-chunk-store.ts";
import { KeyLock } from "../key-lock.ts";
import { matchesChecksums } from "../matches-checksums.ts";
import type { Damage } from "../quarantine.ts";
import { SpareRoom } from "../spare-room.ts";
import { damageShownBy, isMediumError, storeError } from "../store-error.ts";
import type { IndexedChunk } from "./chunk-index.ts";
import { Compaction } from "./compaction.ts";
import { LogState } from "./log-state.ts";
import { readRecord } from "./read-record.ts";
import { headBytesOf, RecordKind } from "./record.ts";
import { recoverLog } from "./recovery.ts";
import { SegmentFiles } from "./segment-files.ts";
import { closedError, SegmentLog, type SegmentLogOptions } from "./segment-log.ts";

export interface SegmentStoreParts extends StoreParts {
  readonly random: Random;
}

export type SegmentStoreOptions = Partial<SegmentLogOptions> & {
  /** A segment of which less is needed is compacted. */
  readonly liveShareMin?: number | undefined;
};

/** A chunk that arrived whole and was checked. */
export interface CheckedChunk {
  readonly id: ChunkId;
  readonly lengthBytes: number;
  readonly epoch: number;
  readonly blockChecksums: readonly number[];
  readonly data: readonly Uint8Array[];
}

const SEGMENT_BYTES_MAX = 256 * 1024 * 1024;
const RECORDS_MAX = 65_536;
/** What the log gathers before it writes. */
const STAGING_BYTES = 2 * 1024 * 1024;
const LIVE_SHARE_MIN = 0.5;
/** A chunk may move once while its reader looks; more often than this it does not. */
const MOVES_MAX = 8;

/** Chunks under 1 MiB, packed one after the other into large files. Many puts share one sync. */
export class SegmentChunkStore {
  readonly #parts: SegmentStoreParts;
  readonly #state = new LogState();
  readonly #locks = new KeyLock<ChunkId>();
  readonly #files: SegmentFiles;
  readonly #log: SegmentLog;
  /** Rewrites segments of which little is needed; somebody must run it. */
  readonly compaction: Compaction;
  #isClosed = false;

  private constructor(
    parts: SegmentStoreParts,
    made: {
      readonly files: SegmentFiles;
      readonly state: LogState;
      readonly log: SegmentLog;
      readonly liveShareMin: number;
    },
  ) {
    this.#parts = parts;
    this.#files = made.files;
    this.#state = made.state;
    this.#log = made.log;
    this.compaction = new Compaction(
      {
        state: made.state,
        log: made.log,
        files: made.files,
        locks: this.#locks,
        ledger: parts.ledger,
        logger: parts.logger,
        setAside: async (id, signal) => void (await this.verify(id, signal)),
      },
      { liveShareMin: made.liveShareMin },
    );
  }

  /** Opens the store in `folder`, which one store at a time may have. */
  static async open(
    folder: string,
    parts: SegmentStoreParts,
    options: SegmentStoreOptions = {},
  ): Promise<SegmentChunkStore> {
    try {
      const segments = join(folder, "segments");
      await parts.disk.makeFolder(segments);
      await parts.quarantine.open();
      await parts.disk.syncFolder(folder);
      const files = new SegmentFiles(parts.disk, segments);
      const spare = new SpareRoom(parts.disk, join(folder, "spare"));
      await spare.prepare();
      const state = new LogState();
      const staging = await stagingFor(segments, parts);
      const start = await recoverLog({ ...parts, folder: segments, state, staging });
      state.endLoading();
      const log = new SegmentLog(
        {
          ...parts,
          staging,
          folder: segments,
          files,
          spare,
          onDurable: (record, location) => state.apply(record, location),
          onSealed: (number, sizeBytes) => state.sealSegment(number, sizeBytes),
          onStarted: (number) => state.startSegment(number),
        },
        {
          segmentBytesMax: options.segmentBytesMax ?? SEGMENT_BYTES_MAX,
          recordsMax: options.recordsMax ?? RECORDS_MAX,
        },
        start,
      );
      const liveShareMin = options.liveShareMin ?? LIVE_SHARE_MIN;
      return new SegmentChunkStore(parts, { files, state, log, liveShareMin });
    } catch (error) {
      throw storeError(error, `opening ${folder}`);
    }
  }

  get chunkCount(): number {
    return this.#state.chunkCount;
  }

  /** What the index takes, in bytes. */
  get indexBytes(): number {
    return this.#state.memoryBytes;
  }

  /** Makes a chunk durable and visible; `chunk.data` is the caller's again when this resolves. */
  put(chunk: CheckedChunk): Promise<StoredChunkInfo> {
    this.#refuseClosed();
    assert(chunk.epoch <= EPOCH_MAX, "the epoch was checked where it came in");
    return this.#locks.run(chunk.id, async () => {
      const id = chunkIdToBytes(chunk.id);
      const { lengthBytes, blockChecksums, data } = chunk;
      const epoch = Math.max(chunk.epoch, this.#state.held(id)?.epoch ?? 0);
      await this.#log.append({
        kind: RecordKind.chunk,
        id,
        lengthBytes,
        epoch,
        verifiedS: 0,
        blockChecksums,
        data,
        isUrgent: false,
      });
      return { id: chunk.id, lengthBytes, epoch, verifiedMs: 0 };
    });
  }

  info(id: ChunkId): StoredChunkInfo | undefined {
    this.#refuseClosed();
    const chunk = this.#state.held(chunkIdToBytes(id));
    return chunk === undefined ? undefined : infoOf(id, chunk);
  }

  /** `chunkCorrupt` when the record's own header is damaged. */
  async *read(id: ChunkId, options: ReadOptions): AsyncGenerator<ChunkPiece> {
    this.#refuseClosed();
    try {
      const piece = await this.#readHeld(id, (chunk) => blocksOf(chunk.lengthBytes, options));
      if (piece === undefined) throw new CairnError("chunkNotFound", `chunk ${id} is not here`);
      yield piece;
    } catch (error) {
      throw storeError(error, `reading chunk ${id}`);
    }
  }

  claim(id: ChunkId, epoch: number): Promise<boolean> {
    this.#refuseClosed();
    assert(epoch <= EPOCH_MAX, "the epoch was checked where it came in");
    return this.#locks.run(id, async () => {
      const idBytes = chunkIdToBytes(id);
      const chunk = this.#state.held(idBytes);
      if (chunk === undefined) return false;
      if (epoch > chunk.epoch) await this.#log.append(noteOf(RecordKind.claim, idBytes, epoch));
      else await this.#log.confirm();
      return true;
    });
  }

  delete(id: ChunkId, epochMax: number): Promise<boolean> {
    this.#refuseClosed();
    return this.#locks.run(id, async () => {
      const idBytes = chunkIdToBytes(id);
      const chunk = this.#state.held(idBytes);
      if (chunk === undefined || chunk.epoch > epochMax) await this.#log.confirm();
      else await this.#log.append(noteOf(RecordKind.deletion, idBytes, chunk.epoch));
      return true;
    });
  }

  async verify(id: ChunkId, signal: AbortSignal, pace?: Pace): Promise<Verdict> {
    this.#refuseClosed();
    try {
      const held = this.#state.held(chunkIdToBytes(id));
      if (held === undefined) return "missing";
      await pace?.(held.lengthBytes);
      const verdict = await this.#inspect(id, signal);
      if (verdict === "missing") return verdict;
      return await this.#locks.run(id, async () => {
        if (verdict === "intact") return this.#noteVerified(id);
        const again = await this.#inspect(id, signal);
        if (again === "missing" || again === "intact") return again;
        await this.#setAside(id, again);
        return "corrupt";
      });
    } catch (error) {
      throw storeError(error, `verifying chunk ${id}`);
    }
  }

  list(after: ChunkId | undefined, limit: number): StoredChunkInfo[] {
    this.#refuseClosed();
    const page: StoredChunkInfo[] = [];
    for (const { id, chunk } of this.#state.heldAfter(after && chunkIdToBytes(after))) {
      if (page.length >= limit) break;
      page.push(infoOf(chunkIdFromBytes(id), chunk));
    }
    return page;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#locks.settled();
    await this.#log.close();
    await this.#files.close();
  }

  /** Reads what `range` says of a copy, wherever it moves meanwhile; undefined when it is not held. */
  async #readHeld(
    id: ChunkId,
    range: (chunk: IndexedChunk) => BlockRange,
  ): Promise<ChunkPiece | undefined> {
    const idBytes = chunkIdToBytes(id);
    for (let move = 0; ; move++) {
      const chunk = this.#state.held(idBytes);
      if (chunk === undefined) return undefined;
      const wanted = range(chunk);
      try {
        return await this.#files.use(chunk.segment, (file) =>
          readRecord(file, { id, chunk, range: wanted }),
        );
      } catch (error) {
        if (!hasErrorCode(error, "ENOENT") || move >= MOVES_MAX) throw error;
        // Its segment was compacted since we looked; or somebody has removed the file.
        const { segment } = this.#state.held(idBytes) ?? {};
        if (segment === chunk.segment) {
          throw new CairnError("chunkCorrupt", `the segment of chunk ${id} is gone`);
        }
      }
    }
  }

  /** Reads the whole copy. */
  async #inspect(id: ChunkId, signal: AbortSignal): Promise<Verdict | "unreadable"> {
    signal.throwIfAborted();
    try {
      if (await this.#isGone(id)) return "corrupt";
      const whole = await this.#readHeld(id, (chunk) => allBlocks(chunk.lengthBytes));
      if (whole === undefined) return "missing";
      if (!matchesChecksums(whole.data, whole.blockChecksums)) return "corrupt";
      const hash = createSha256();
      hash.update(whole.data);
      return chunkIdFromBytes(hash.digest()) === id ? "intact" : "corrupt";
    } catch (error) {
      return damageShownBy(error);
    }
  }

  /** Whether somebody has removed the segment of a copy. It may still be open, and be read and written to, until the node ends. */
  async #isGone(id: ChunkId): Promise<boolean> {
    const segment = this.#state.held(chunkIdToBytes(id))?.segment;
    if (segment === undefined) return false;
    if ((await this.#parts.disk.fileBytes(this.#files.path(segment))) !== undefined) return false;
    // One that was compacted meanwhile has been left by all that it held.
    if (this.#state.held(chunkIdToBytes(id))?.segment !== segment) return false;
    await this.#log.forsake(segment);
    return true;
  }

  #noteVerified(id: ChunkId): Verdict {
    const idBytes = chunkIdToBytes(id);
    if (this.#state.held(idBytes) === undefined) return "missing";
    const verifiedS = Math.floor(this.#parts.clock.now() / 1000);
    this.#state.noteVerified(idBytes, verifiedS);
    this.#log.appendLazily({ ...noteOf(RecordKind.verified, idBytes, 0), verifiedS });
    return "intact";
  }

  async #setAside(id: ChunkId, damage: Damage): Promise<void> {
    const { disk, logger, quarantine } = this.#parts;
    const idBytes = chunkIdToBytes(id);
    const chunk = this.#state.held(idBytes);
    if (chunk === undefined) return;
    await quarantine.take(id, damage, async (path) => {
      let keptBytes: number | undefined;
      try {
        keptBytes = await this.#copyAside(chunk, path);
      } catch (error) {
        await disk.remove(path).catch(() => undefined);
        // What is gone or not given by the medium cannot be kept, and a full disk must not have wrong bytes served. All else passes,
        // and the copy goes when its bytes are aside.
        if (!isMediumError(error) && !hasErrorCode(error, "ENOSPC", "EDQUOT", "ENOENT")) {
          throw error;
        }
      }
      await this.#log.append(noteOf(RecordKind.deletion, idBytes, chunk.epoch));
      logger.error("a corrupt chunk was set aside", { chunk: id, path });
      return keptBytes;
    });
  }

  /** Resolves with how many bytes it has kept. */
  async #copyAside(chunk: IndexedChunk, path: string): Promise<number> {
    const { disk, ledger } = this.#parts;
    const bytes = await this.#files.use(chunk.segment, async (file) => {
      const into = Buffer.allocUnsafeSlow(headBytesOf(chunk.lengthBytes) + chunk.lengthBytes);
      return into.subarray(0, await readFully(file, into, chunk.offset));
    });
    const file = await disk.open(path, "write");
    try {
      await file.write([bytes], 0);
    } finally {
      await file.close();
    }
    ledger.add(bytes.byteLength);
    return bytes.byteLength;
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw closedError();
  }
}

function infoOf(id: ChunkId, chunk: IndexedChunk): StoredChunkInfo {
  return {
    id,
    lengthBytes: chunk.lengthBytes,
    epoch: chunk.epoch,
    verifiedMs: chunk.verifiedS * 1000,
  };
}

function noteOf(kind: RecordKind, id: Uint8Array, epoch: number) {
  return {
    kind,
    id,
    lengthBytes: 0,
    epoch,
    verifiedS: 0,
    blockChecksums: [],
    data: [],
    isUrgent: true,
  };
}

/** Memory for direct writes, where the folder takes them. */
async function stagingFor(folder: string, parts: SegmentStoreParts): Promise<Buffer | undefined> {
  if (!(await takesDirectFiles(folder, parts))) return undefined;
  const staging = pageBuffer(STAGING_BYTES);
  return isPageAligned(staging) ? staging : undefined;
}
