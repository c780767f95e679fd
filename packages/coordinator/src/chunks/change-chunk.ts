import { assert } from "@cairnfs/base/assert";
import type { KvTransaction } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { type CounterName, count, debtClassOf } from "../counters.ts";
import { chunks, debts, garbageChunks } from "../keyspace.ts";
import { CHUNK_STATES, type ChunkRecord, type ChunkState } from "./chunk-record.ts";
import { markIntervalMs } from "./epochs.ts";

/**
 * Writes a chunk's record, with all that follows from it: its rows in `gcch` and `debt` and the counters. Every change
 * of a chunk goes through here. `before` is what `tx` read; `after` is `undefined` to delete the record.
 */
export function changeChunk(
  tx: KvTransaction,
  id: ChunkId,
  before: ChunkRecord | undefined,
  after: ChunkRecord | undefined,
): void {
  checkStep(before?.state, after?.state);
  if (after === undefined) chunks.delete(tx, id);
  else chunks.put(tx, id, after);

  const dueBefore = before?.dueMs ?? 0;
  const dueAfter = after?.dueMs ?? 0;
  if (dueBefore !== dueAfter) {
    if (dueBefore !== 0) garbageChunks.delete(tx, [dueBefore, id]);
    if (dueAfter !== 0) garbageChunks.put(tx, [dueAfter, id], true);
  }
  if (before?.debtCopies !== after?.debtCopies) {
    if (before?.debtCopies !== undefined) debts.delete(tx, [before.debtCopies, id]);
    if (after?.debtCopies !== undefined) debts.put(tx, [after.debtCopies, id], true);
  }
  countChange(tx, before, after);
}

function countChange(
  tx: KvTransaction,
  before: ChunkRecord | undefined,
  after: ChunkRecord | undefined,
): void {
  const deltas = new Map<CounterName, number>();
  for (const [name, amount] of chunkCounts(before)) deltas.set(name, -amount);
  for (const [name, amount] of chunkCounts(after))
    deltas.set(name, (deltas.get(name) ?? 0) + amount);
  for (const [name, delta] of deltas) count(tx, name, delta);
}

/** A counter, and what something adds to it. */
export type Count = readonly [name: CounterName, amount: number];

/** What a record adds to the counters. */
export function chunkCounts(record: ChunkRecord | undefined): readonly Count[] {
  if (record === undefined) return [];
  const { state, lengthBytes, nodeNumbers } = record;
  const counts: Count[] = [];
  if (state === "live") {
    counts.push(["chunks", 1], ["uniqueBytes", lengthBytes]);
  } else if (state !== "deleted") {
    counts.push(["garbageChunks", 1], ["garbageBytes", lengthBytes]);
    counts.push(["garbageDiskBytes", lengthBytes * nodeNumbers.length]);
  }
  counts.push(...debtCounts(record));
  return counts;
}

/** What a record adds to the counters of the debt alone. */
export function debtCounts(record: ChunkRecord | undefined): readonly Count[] {
  if (record?.debtCopies === undefined) return [];
  const { lengthBytes, debtCopies, wantedCopies } = record;
  const counted = debtClassOf(debtCopies);
  return [
    ["debtChunks", 1],
    ["debtBytes", lengthBytes],
    [counted.chunks, 1],
    [counted.bytes, lengthBytes],
    ["missingBytes", Math.max(0, wantedCopies - debtCopies) * lengthBytes],
  ];
}

function checkStep(from: ChunkState | undefined, to: ChunkState | undefined): void {
  if (from === to || from === undefined) return;
  const next: readonly ChunkState[] = CHUNK_STATES[from];
  const isAllowed = to === undefined ? from === "deleted" : next.includes(to);
  assert(isAllowed, `a chunk does not go from ${from} to ${to ?? "nothing"}`);
}

/** The record with its debt set by how many copies are live: owed while it is referred to and has too few. */
export function withDebt(record: ChunkRecord, liveCopies: number): ChunkRecord {
  const isOwed = record.state === "live" && liveCopies < record.wantedCopies;
  return { ...record, debtCopies: isOwed ? liveCopies : undefined };
}

/** The record of a chunk that no node holds any more; it falls due when the horizon may have passed its fence. */
export function deletedChunk(
  record: ChunkRecord,
  nowMs: number,
  receiptLifeMs: number,
): ChunkRecord {
  const dueMs = nowMs + markIntervalMs(receiptLifeMs);
  return { ...record, state: "deleted", nodeNumbers: [], dueMs };
}
