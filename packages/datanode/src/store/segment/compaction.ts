import { hasErrorCode, readFully } from "@cairnfs/base/disk";
import { toHex } from "@cairnfs/base/hex";
import type { Logger } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import { type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import type { KeyLock } from "../key-lock.ts";
import type { SpaceLedger } from "../space-ledger.ts";
import { storeError } from "../store-error.ts";
import type { LogState } from "./log-state.ts";
import {
  decodeRecordHead,
  type FoundRecord,
  headBytesOf,
  RecordKind,
  recordBytesOf,
} from "./record.ts";
import type { SegmentFiles } from "./segment-files.ts";
import type { SegmentEntry } from "./segment-format.ts";
import type { NewRecord, SegmentLog } from "./segment-log.ts";
import { readSegment } from "./segment-reader.ts";

export interface CompactionParts {
  readonly state: LogState;
  readonly log: SegmentLog;
  readonly files: SegmentFiles;
  readonly locks: KeyLock<ChunkId>;
  readonly ledger: SpaceLedger;
  readonly logger: Logger;
  /** Takes a copy that cannot be read out of service. */
  readonly setAside: (id: ChunkId, signal: AbortSignal) => Promise<void>;
}

export interface CompactionOptions {
  readonly liveShareMin: number;
}

const LOOK_EVERY_MS = 5_000;
/** Records on their way at once: enough for the log to write them in batches. */
const LANES = 16;
/** The newest segment is ended early when so much of it could be freed. */
const DEAD_BYTES_MIN = 8 * 1024 * 1024;

/**
 * Frees what deletions left in segments: what is still needed of a segment is appended to the log again, then the
 * segment is removed. At each instant the log says the same: a moved record lies behind all others of its chunk, and the old one
 * goes only when the new one is durable.
 */
export class Compaction implements Worker {
  readonly name = "compaction";
  readonly #parts: CompactionParts;
  readonly #options: CompactionOptions;
  /** Segments that are being compacted, and those that could not be, which are left alone until the next start. */
  readonly #excluded = new Set<number>();
  /** What was in segments whose removal has begun: their names may be gone and may come back. */
  readonly #removals = new Map<number, readonly SegmentEntry[]>();

  constructor(parts: CompactionParts, options: CompactionOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Compacts the segment that has the least in it, if any has little. */
  async step(signal: AbortSignal): Promise<Step> {
    await this.#sealSparseActive();
    const sparse = this.#parts.state.sparsest(this.#options.liveShareMin, this.#excluded);
    if (sparse === undefined) return { pauseMs: LOOK_EVERY_MS };
    await this.compact(sparse.number, signal);
    return "again";
  }

  /** Moves what is needed of a sealed segment to the end of the log and removes it. */
  async compact(number: number, signal: AbortSignal): Promise<void> {
    this.#excluded.add(number);
    const problem = await this.#tryCompact(number, signal).catch((error: unknown) => {
      this.#excluded.delete(number);
      throw storeError(error, `compacting segment ${number}`);
    });
    if (problem === undefined) this.#excluded.delete(number);
    else this.#parts.logger.error(`a segment cannot be compacted: ${problem}`, { segment: number });
  }

  /** Gives the reason why it can never be. */
  async #tryCompact(number: number, signal: AbortSignal): Promise<string | undefined> {
    const { files, state } = this.#parts;
    const removal = this.#removals.get(number);
    if (removal !== undefined) {
      await this.#remove(number, removal);
      return undefined;
    }
    const reading = files.use(number, (file) => readSegment(file, number));
    const contents = await reading.catch((error: unknown) => {
      if (hasErrorCode(error, "ENOENT")) return undefined;
      throw error;
    });
    if (contents === undefined) return "it is unreadable, or gone";
    const entries = [...contents.entries];
    const corrupt: ChunkId[] = [];
    const dataHere = countData(entries);
    await inLanes(entries, signal, (entry) => this.#keep(entry, number, { dataHere, corrupt }));
    for (const id of corrupt) await this.#parts.setAside(id, signal);
    signal.throwIfAborted();
    // Its footer may have rotted since it was read first, and what is left of it does not show all that it holds.
    if (state.liveBytes(number) !== this.#leavingBytes(entries, number))
      return "records are missing";
    this.#removals.set(number, entries);
    await this.#remove(number, entries);
    return undefined;
  }

  /** Removes a segment of which nothing is needed. */
  async #remove(number: number, entries: readonly SegmentEntry[]): Promise<void> {
    const { files, state, ledger, logger } = this.#parts;
    const sizeBytes = state.sizeBytes(number);
    // Durable before it is forgotten: deletions of what lay here may be dropped from then on.
    await files.remove(number);
    this.#removals.delete(number);
    state.forgetSegment(number, entries);
    ledger.add(-sizeBytes);
    logger.debug("a segment was compacted", { segment: number, freedBytes: sizeBytes });
  }

  async #keep(
    entry: SegmentEntry,
    number: number,
    found: { readonly dataHere: ReadonlyMap<string, number>; readonly corrupt: ChunkId[] },
  ): Promise<void> {
    const { state, log, locks } = this.#parts;
    if (!this.#isNeeded(entry, number, found.dataHere)) return;
    const id = chunkIdFromBytes(entry.id);
    await locks.run(id, async () => {
      // Asked again: it may have been replaced or deleted before our turn.
      if (!this.#isNeeded(entry, number, found.dataHere)) return;
      const { kind } = entry;
      if (kind === RecordKind.chunk) {
        const moved = await this.#readRecord(entry, number);
        const held = state.held(entry.id);
        if (moved === undefined) found.corrupt.push(id);
        else if (held !== undefined) {
          const { epoch, verifiedS } = held;
          await log.append({ ...moved, epoch, verifiedS, isUrgent: true });
        }
        return;
      }
      const { epoch, verifiedS } = entry;
      const note = { kind, id: entry.id, lengthBytes: 0, epoch, verifiedS };
      await log.append({ ...note, blockChecksums: [], data: [], isUrgent: true });
    });
  }

  #isNeeded(entry: SegmentEntry, number: number, dataHere: ReadonlyMap<string, number>): boolean {
    const { state } = this.#parts;
    if (entry.kind === RecordKind.deletion) {
      const deletion = state.deletion(entry.id);
      if (deletion?.segment !== number || deletion.offset !== entry.offset) return false;
      // What it deletes may lie in this segment only, and then they go together.
      return deletion.staleCount > (dataHere.get(toHex(entry.id)) ?? 0);
    }
    const held = state.held(entry.id);
    if (held === undefined) return false;
    const isHere = held.segment === number;
    if (entry.kind === RecordKind.chunk) return isHere && held.offset === entry.offset;
    // A chunk that moves takes its epoch and its last verification along.
    if (isHere) return false;
    return entry.kind === RecordKind.claim
      ? held.epoch === entry.epoch
      : held.verifiedS === entry.verifiedS;
  }

  /** What counts as needed in a segment and may go with it: deletions of what goes as well. */
  #leavingBytes(entries: readonly SegmentEntry[], number: number): number {
    let leavingBytes = 0;
    for (const { kind, id, offset } of entries) {
      if (kind !== RecordKind.deletion) continue;
      const deletion = this.#parts.state.deletion(id);
      if (deletion?.segment === number && deletion.offset === offset) {
        leavingBytes += recordBytesOf(0);
      }
    }
    return leavingBytes;
  }

  /** The record with its data as it is, right or wrong: readers have its checksums. Undefined when its head is damaged. */
  async #readRecord(
    entry: SegmentEntry,
    number: number,
  ): Promise<Omit<NewRecord, "isUrgent"> | undefined> {
    const headBytes = headBytesOf(entry.lengthBytes);
    const bytes = Buffer.allocUnsafeSlow(headBytes + entry.lengthBytes);
    const readBytes = await this.#parts.files.use(number, (file) =>
      readFully(file, bytes, entry.offset),
    );
    const head = decodeRecordHead(bytes, 0);
    if (readBytes < bytes.byteLength || head === undefined || !isHeadOf(head, entry)) {
      return undefined;
    }
    return { ...head, id: entry.id, data: [bytes.subarray(headBytes)] };
  }

  async #sealSparseActive(): Promise<void> {
    const { log, state } = this.#parts;
    const active = log.activeSegment;
    if (active === undefined) return;
    const deadBytes = log.activeBytes - state.liveBytes(active);
    const isSparse = state.liveBytes(active) < log.activeBytes * this.#options.liveShareMin;
    if (isSparse && deadBytes >= DEAD_BYTES_MIN) await log.seal();
  }
}

/** How many records with data of each chunk that is deleted here are here as well. */
function countData(entries: readonly SegmentEntry[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { kind, id } of entries) {
    if (kind === RecordKind.deletion) counts.set(toHex(id), 0);
  }
  if (counts.size === 0) return counts;
  for (const { kind, id } of entries) {
    if (kind !== RecordKind.chunk) continue;
    const hex = toHex(id);
    const count = counts.get(hex);
    if (count !== undefined) counts.set(hex, count + 1);
  }
  return counts;
}

function isHeadOf(head: FoundRecord, entry: SegmentEntry): boolean {
  return (
    head.kind === entry.kind &&
    head.lengthBytes === entry.lengthBytes &&
    Buffer.compare(head.id, entry.id) === 0
  );
}

async function inLanes<T>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const lane = async () => {
    for (const item of rest) {
      signal.throwIfAborted();
      await work(item);
    }
  };
  const lanes = Array.from({ length: LANES }, lane);
  const outcomes = await Promise.allSettled(lanes);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
