import { present } from "@cairnfs/base/assert";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";

/** What was found of the copies whose ids begin with one byte when a pass last came past them. */
export interface AgeSlice {
  readonly chunks: number;
  readonly sizeBytes: number;
  /** None of them was verified, or stored, before. */
  readonly oldestMs: number;
}

/** Copies that were not verified for too long. */
export interface Overdue {
  readonly chunks: number;
  readonly sizeBytes: number;
}

export const SLICES = 256;
export const NO_COPIES: AgeSlice = { chunks: 0, sizeBytes: 0, oldestMs: 0 };

/**
 * How long ago the copies of a node were verified, as passes over the ids found them, in a fixed number of slices: memory does not grow
 * with the copies. A slice is as old as the oldest copy in it.
 */
export class VerificationAges {
  readonly #slices: AgeSlice[];
  #current: { readonly at: number; slice: AgeSlice } | undefined;
  /** The first slice of which the pass has not been told anything yet. */
  #next = 0;

  constructor(slices: readonly AgeSlice[] = Array.from({ length: SLICES }, () => NO_COPIES)) {
    this.#slices = [...slices];
  }

  get slices(): readonly AgeSlice[] {
    return this.#slices;
  }

  /**
   * A pass begins or, when the copies up to `cursor` were counted before a restart, goes on after it. How far it was within a slice is
   * forgotten.
   */
  begin(cursor: ChunkId | undefined): void {
    this.#current = undefined;
    this.#next = cursor === undefined ? 0 : sliceOf(cursor) + 1;
  }

  /**
   * Takes in the next copy of a pass, in the order of ids, which was last verified at `atMs`. One of which nobody knows, that the pass
   * could not read either, is as old as the pass and as what was found in its slice before.
   */
  add(
    id: ChunkId,
    lengthBytes: number,
    verified: { readonly atMs: number; readonly isKnown: boolean },
  ): void {
    const at = sliceOf(id);
    const before = this.#slices[at];
    const isOlder = !verified.isKnown && before !== undefined && before.chunks > 0;
    const atMs = isOlder ? Math.min(before.oldestMs, verified.atMs) : verified.atMs;
    if (this.#current?.at !== at) this.#moveTo(at);
    const current = present(this.#current, "a slice was just begun");
    const { chunks, sizeBytes, oldestMs } = current.slice;
    current.slice = {
      chunks: chunks + 1,
      sizeBytes: sizeBytes + lengthBytes,
      oldestMs: chunks === 0 ? atMs : Math.min(oldestMs, atMs),
    };
  }

  /** The pass has come to the end of the ids. */
  end(): void {
    this.#moveTo(SLICES);
  }

  /** What is in slices that are older than `beforeMs`: at most what is, and more only by what is in a slice with it. */
  overdue(beforeMs: number): Overdue {
    let chunks = 0;
    let sizeBytes = 0;
    for (const slice of this.#slices) {
      if (slice.chunks === 0 || slice.oldestMs >= beforeMs) continue;
      chunks += slice.chunks;
      sizeBytes += slice.sizeBytes;
    }
    return { chunks, sizeBytes };
  }

  /** 0 when no copy is known. */
  get oldestMs(): number {
    let oldestMs = 0;
    for (const slice of this.#slices) {
      if (slice.chunks === 0) continue;
      oldestMs = oldestMs === 0 ? slice.oldestMs : Math.min(oldestMs, slice.oldestMs);
    }
    return oldestMs;
  }

  /** Keeps what was found of the slice that is done; those between it and the next have nothing in them. */
  #moveTo(at: number): void {
    const done = this.#current;
    if (done !== undefined) this.#slices[done.at] = done.slice;
    for (let empty = this.#next; empty < at; empty++) this.#slices[empty] = NO_COPIES;
    this.#next = at + 1;
    this.#current = at < SLICES ? { at, slice: NO_COPIES } : undefined;
  }
}

function sliceOf(id: ChunkId): number {
  return Number.parseInt(id.slice(0, 2), 16);
}
