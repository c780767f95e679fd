/**
 * How far a node's scrub is, so that it goes on there after a restart.
 *
 *     0          8         10   12           92     93       125
 *     | cairnscr | version | n  | numbers    | at   | cursor | bad copies (n) | slices (256) | crc32c |
 *
 * `numbers` are ten of eight bytes, in the order of `NUMBERS`; `at` is 1 when there is a cursor, else 0; a bad copy is its id (32) and when
 * it was found (8); a slice is copies (4), bytes (8) and the time of the oldest (8). All integers are big-endian. The register is
 * docs/formats/data-folder.md.
 */
import { join } from "node:path";
import { crc32c } from "@cairnfs/base/checksum";
import type { Disk } from "@cairnfs/base/disk";
import { readWhole, writeDurably } from "@cairnfs/base/durable-file";
import {
  CHUNK_ID_BYTES,
  type ChunkId,
  chunkIdFromBytes,
  chunkIdToBytes,
} from "@cairnfs/protocol/chunk-id";
import { storeError } from "../store/store-error.ts";
import { type AgeSlice, SLICES } from "./verification-ages.ts";

/** A copy that was not what had been written. */
export interface BadCopy {
  readonly id: ChunkId;
  readonly foundMs: number;
}

/** What is kept of a scrub. */
export interface ScrubState {
  /** The pass that is under way, or the last one; 0 before the first. */
  passStartedMs: number;
  /** 0 while it is under way. */
  passEndedMs: number;
  /** The pass reads what was verified before this, however lately; 0 unless it was asked for. */
  passBeforeMs: number;
  /** The newest scrub that was asked for, by the clock of who asked; 0 for none. */
  requestedMs: number;
  /** When this node heard of it, by its own clock. */
  heardMs: number;
  /** When it was through with it; 0 while it is not. */
  requestedDoneMs: number;
  doneChunks: number;
  doneBytes: number;
  unreadableChunks: number;
  badCopies: number;
  /** Up to where the pass is; undefined at its start. */
  cursor: ChunkId | undefined;
  /** The last few, oldest first. */
  latestBadCopies: readonly BadCopy[];
  slices: readonly AgeSlice[];
}

export const LATEST_BAD_COPIES_MAX = 8;

const MAGIC = Buffer.from("cairnscr");
const VERSION = 1;
const NUMBERS = [
  "passStartedMs",
  "passEndedMs",
  "passBeforeMs",
  "requestedMs",
  "heardMs",
  "requestedDoneMs",
  "doneChunks",
  "doneBytes",
  "unreadableChunks",
  "badCopies",
] as const satisfies readonly (keyof ScrubState)[];
const NUMBERS_OFFSET = 12;
const CURSOR_OFFSET = NUMBERS_OFFSET + 8 * NUMBERS.length;
const LISTS_OFFSET = CURSOR_OFFSET + 1 + CHUNK_ID_BYTES;
const BAD_COPY_BYTES = CHUNK_ID_BYTES + 8;
const SLICE_BYTES = 20;
const FILE_NAME = "scrub";

export function encodeScrub(state: ScrubState): Uint8Array {
  const bad = state.latestBadCopies;
  const slicesOffset = LISTS_OFFSET + bad.length * BAD_COPY_BYTES;
  const end = slicesOffset + SLICES * SLICE_BYTES;
  const file = Buffer.alloc(end + 4);
  MAGIC.copy(file);
  file.writeUInt16BE(VERSION, 8);
  file.writeUInt16BE(bad.length, 10);
  for (const [at, name] of NUMBERS.entries())
    writeNumber(file, state[name], NUMBERS_OFFSET + 8 * at);
  if (state.cursor !== undefined) {
    file.writeUInt8(1, CURSOR_OFFSET);
    file.set(chunkIdToBytes(state.cursor), CURSOR_OFFSET + 1);
  }
  for (const [index, { id, foundMs }] of bad.entries()) {
    const at = LISTS_OFFSET + index * BAD_COPY_BYTES;
    file.set(chunkIdToBytes(id), at);
    writeNumber(file, foundMs, at + CHUNK_ID_BYTES);
  }
  for (const [index, slice] of state.slices.entries()) {
    const at = slicesOffset + index * SLICE_BYTES;
    file.writeUInt32BE(slice.chunks, at);
    writeNumber(file, slice.sizeBytes, at + 4);
    writeNumber(file, slice.oldestMs, at + 12);
  }
  file.writeUInt32BE(crc32c(file.subarray(0, end)), end);
  return file;
}

/** Undefined when the bytes are damaged or of another version: then a pass begins anew, which costs reading and nothing else. */
export function decodeScrub(bytes: Uint8Array): ScrubState | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = file.byteLength - 4;
  if (end < LISTS_OFFSET || !file.subarray(0, 8).equals(MAGIC)) return undefined;
  if (file.readUInt32BE(end) !== crc32c(file.subarray(0, end))) return undefined;
  const badCount = file.readUInt16BE(10);
  const slicesOffset = LISTS_OFFSET + badCount * BAD_COPY_BYTES;
  if (file.readUInt16BE(8) !== VERSION || end !== slicesOffset + SLICES * SLICE_BYTES) {
    return undefined;
  }
  const idAt = (at: number) => chunkIdFromBytes(file.subarray(at, at + CHUNK_ID_BYTES));
  const state: ScrubState = {
    ...freshScrub(),
    cursor: file.readUInt8(CURSOR_OFFSET) === 1 ? idAt(CURSOR_OFFSET + 1) : undefined,
    latestBadCopies: Array.from({ length: badCount }, (_, index) => {
      const at = LISTS_OFFSET + index * BAD_COPY_BYTES;
      return { id: idAt(at), foundMs: readNumber(file, at + CHUNK_ID_BYTES) };
    }),
    slices: Array.from({ length: SLICES }, (_, index) => {
      const at = slicesOffset + index * SLICE_BYTES;
      return {
        chunks: file.readUInt32BE(at),
        sizeBytes: readNumber(file, at + 4),
        oldestMs: readNumber(file, at + 12),
      };
    }),
  };
  for (const [at, name] of NUMBERS.entries())
    state[name] = readNumber(file, NUMBERS_OFFSET + 8 * at);
  return state;
}

/** The state of a node that has never scrubbed. */
export function freshScrub(): ScrubState {
  return {
    passStartedMs: 0,
    passEndedMs: 0,
    passBeforeMs: 0,
    requestedMs: 0,
    heardMs: 0,
    requestedDoneMs: 0,
    doneChunks: 0,
    doneBytes: 0,
    unreadableChunks: 0,
    badCopies: 0,
    cursor: undefined,
    latestBadCopies: [],
    slices: Array.from({ length: SLICES }, () => ({ chunks: 0, sizeBytes: 0, oldestMs: 0 })),
  };
}

/** What the data folder remembers; undefined when there is nothing, or nothing that can be read. */
export async function readScrub(disk: Disk, dataDir: string): Promise<ScrubState | undefined> {
  try {
    const bytes = await readWhole(disk, join(dataDir, FILE_NAME));
    return bytes === undefined ? undefined : decodeScrub(bytes);
  } catch (error) {
    throw storeError(error, "reading how far the scrub is");
  }
}

/** Replaces the file: after a crash it is the old or the new one, whole. `storeFailed` when the disk errs. */
export async function writeScrub(disk: Disk, dataDir: string, state: ScrubState): Promise<void> {
  try {
    await writeDurably(disk, join(dataDir, FILE_NAME), encodeScrub(state));
  } catch (error) {
    throw storeError(error, "noting how far the scrub is");
  }
}

function writeNumber(file: Buffer, value: number, at: number): void {
  file.writeBigUInt64BE(BigInt(Math.trunc(value)), at);
}

function readNumber(file: Buffer, at: number): number {
  return Number(file.readBigUInt64BE(at));
}
