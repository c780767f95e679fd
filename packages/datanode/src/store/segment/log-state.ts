import { assert } from "@cairnfs/base/assert";
import { ChunkIndex, type IndexedChunk, NO_ENTRY } from "./chunk-index.ts";
import { type RecordHead, RecordKind, recordBytesOf } from "./record.ts";
import type { SegmentEntry } from "./segment-format.ts";
import type { Location } from "./segment-log.ts";

interface SegmentUse {
  /** Of the whole file; known once it is sealed. */
  sizeBytes: number;
  /** Of the records that are needed: chunks that are held, and deletions of chunks whose data still lies about. */
  liveBytes: number;
  isSealed: boolean;
}

/** A sealed segment of which little is needed any more. */
export interface SparseSegment {
  readonly number: number;
  readonly liveBytes: number;
}

/**
 * What the log says, record by record: the same whether a record was just written or is read after a restart. The order of
 * the log is the order of what happened to a chunk, so a later record wins.
 */
export class LogState {
  readonly #index = new ChunkIndex();
  readonly #segments = new Map<number, SegmentUse>();
  #chunkCount = 0;

  get chunkCount(): number {
    return this.#chunkCount;
  }

  get memoryBytes(): number {
    return this.#index.memoryBytes;
  }

  /** So many times as many chunks as there are will come: memory is made ready for them at once. */
  expectTimes(times: number): void {
    this.#index.expect(Math.ceil(this.#index.count * times));
  }

  /** What was there is known, and what comes is little by little: memory is kept accordingly. */
  endLoading(): void {
    this.#index.endLoading();
  }

  startSegment(number: number): void {
    this.#segments.set(number, { sizeBytes: 0, liveBytes: 0, isSealed: false });
  }

  sealSegment(number: number, sizeBytes: number): void {
    const segment = this.#segment(number);
    segment.sizeBytes = sizeBytes;
    segment.isSealed = true;
  }

  /** The chunk with this id; undefined when it is not held. */
  held(id: Uint8Array): IndexedChunk | undefined {
    const chunk = this.#get(id);
    return chunk?.isDead ? undefined : chunk;
  }

  /** The deletion of the chunk with this id, while it is needed. */
  deletion(id: Uint8Array): IndexedChunk | undefined {
    const chunk = this.#get(id);
    return chunk?.isDead ? chunk : undefined;
  }

  /** The chunks that are held, after `id`, in order. */
  *heldAfter(
    id: Uint8Array | undefined,
  ): Generator<{ readonly id: Uint8Array; readonly chunk: IndexedChunk }> {
    for (const entry of this.#index.entriesAfter(id)) {
      const chunk = this.#index.get(entry);
      if (!chunk.isDead) yield { id: this.#index.id(entry), chunk };
    }
  }

  apply(record: RecordHead, at: Location): void {
    if (record.kind === RecordKind.chunk) this.#applyChunk(record, at);
    else if (record.kind === RecordKind.deletion) this.#applyDeletion(record.id, at);
    else this.#applyNote(record);
  }

  /** Notes when a chunk was verified, before the log has it. */
  noteVerified(id: Uint8Array, verifiedS: number): void {
    const entry = this.#index.find(id);
    if (entry !== NO_ENTRY) this.#index.set(entry, { ...this.#index.get(entry), verifiedS });
  }

  /** Forgets a segment that was removed, durably, with all that it held. */
  forgetSegment(number: number, entries: Iterable<SegmentEntry>): void {
    for (const { kind, id } of entries) {
      if (kind !== RecordKind.chunk) continue;
      const entry = this.#index.find(id);
      // A record that rotted after it was counted, or the other way round, is nobody's any more.
      if (entry === NO_ENTRY || this.#index.get(entry).staleCount === 0) continue;
      const left = this.#index.dropStale(entry);
      const chunk = this.#index.get(entry);
      // No data of it lies about: nothing could bring it back.
      if (chunk.isDead && left === 0) {
        this.#release(chunk.segment, recordBytesOf(0));
        this.#index.remove(entry);
      }
    }
    this.#segments.delete(number);
  }

  /** The sealed segment of which the least is needed, if that is less than `liveShareMax` of it. */
  sparsest(liveShareMax: number, except: ReadonlySet<number>): SparseSegment | undefined {
    let sparsest: SparseSegment | undefined;
    let least = liveShareMax;
    for (const [number, { isSealed, sizeBytes, liveBytes }] of this.#segments) {
      if (!isSealed || except.has(number) || liveBytes >= sizeBytes * least) continue;
      sparsest = { number, liveBytes };
      least = liveBytes / sizeBytes;
    }
    return sparsest;
  }

  liveBytes(number: number): number {
    return this.#segment(number).liveBytes;
  }

  sizeBytes(number: number): number {
    return this.#segment(number).sizeBytes;
  }

  #applyChunk(record: RecordHead, at: Location): void {
    const found = this.#index.findOrAdd(record.id);
    const entry = found < 0 ? ~found : found;
    let staleCount = 0;
    if (found >= 0) {
      const before = this.#index.get(entry);
      staleCount = before.staleCount + (before.isDead ? 0 : 1);
      this.#release(before.segment, recordBytesOf(before.lengthBytes));
      if (!before.isDead) this.#chunkCount -= 1;
    }
    // Its epoch holds as it is: who wrote it knew the one before. Older records may be of a life that was deleted since, and the
    // record of the deletion may be gone.
    const { lengthBytes, epoch, verifiedS } = record;
    this.#index.set(entry, {
      segment: at.segment,
      offset: at.offset,
      lengthBytes,
      epoch,
      verifiedS,
      isDead: false,
      staleCount,
    });
    this.#segment(at.segment).liveBytes += recordBytesOf(lengthBytes);
    this.#chunkCount += 1;
  }

  #applyDeletion(id: Uint8Array, at: Location): void {
    const entry = this.#index.find(id);
    // Without data before it there is nothing that it deletes.
    if (entry === NO_ENTRY) return;
    const before = this.#index.get(entry);
    this.#release(before.segment, recordBytesOf(before.lengthBytes));
    if (!before.isDead) this.#chunkCount -= 1;
    this.#index.set(entry, {
      segment: at.segment,
      offset: at.offset,
      lengthBytes: 0,
      epoch: 0,
      verifiedS: 0,
      isDead: true,
      staleCount: before.staleCount + (before.isDead ? 0 : 1),
    });
    this.#segment(at.segment).liveBytes += recordBytesOf(0);
  }

  #applyNote({ kind, id, epoch, verifiedS }: RecordHead): void {
    const entry = this.#index.find(id);
    if (entry === NO_ENTRY) return;
    const before = this.#index.get(entry);
    if (before.isDead) return;
    if (kind === RecordKind.verified) this.#index.set(entry, { ...before, verifiedS });
    else this.#index.set(entry, { ...before, epoch: Math.max(before.epoch, epoch) });
  }

  #get(id: Uint8Array): IndexedChunk | undefined {
    const entry = this.#index.find(id);
    return entry === NO_ENTRY ? undefined : this.#index.get(entry);
  }

  #release(number: number, sizeBytes: number): void {
    const segment = this.#segments.get(number);
    // The deletion may have been in the segment that is being forgotten, together with what it deleted.
    if (segment !== undefined) segment.liveBytes -= sizeBytes;
  }

  #segment(number: number): SegmentUse {
    const segment = this.#segments.get(number);
    assert(segment !== undefined, `segment ${number} is known`);
    return segment;
  }
}
