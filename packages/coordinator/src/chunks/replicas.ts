import type { KvTransaction } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { chunks, drops, readHorizon } from "../keyspace.ts";
import { changeChunk, withDebt } from "./change-chunk.ts";
import type { ChunkRecord } from "./chunk-record.ts";
import { endEpoch } from "./epochs.ts";

/** More copies than this are not remembered; what is beyond is found by comparing inventories. */
export const NODES_PER_CHUNK_MAX = 64;

/** Whether a copy of this node and epoch counts for the chunk. Copies from before a fence never do. */
export function isFresh(
  record: ChunkRecord | undefined,
  copy: { readonly nodeNumber: number; readonly epoch: number },
  horizon: number,
): boolean {
  if (copy.epoch <= horizon) return false;
  if (record === undefined) return true;
  if (copy.epoch <= record.deleteEpoch) return false;
  return !record.fences.some(
    (fence) => fence.nodeNumber === copy.nodeNumber && copy.epoch <= fence.epoch,
  );
}

/** The record with these nodes among its holders. */
export function withNodes(record: ChunkRecord, nodeNumbers: readonly number[]): ChunkRecord {
  const merged = new Set([...record.nodeNumbers, ...nodeNumbers]);
  if (merged.size === record.nodeNumbers.length) return record;
  return { ...record, nodeNumbers: [...merged].slice(0, NODES_PER_CHUNK_MAX) };
}

/**
 * Takes a copy that a node has proved, after a repair or a move, into the record. False when the copy does not count:
 * the chunk is not wanted any more, or the copy is from before a fence. Where its deletion was decided the node is told
 * too; anything else is left to the comparison of inventories, which has an epoch to fence it with.
 */
export async function recordReplica(
  tx: KvTransaction,
  id: ChunkId,
  copy: { readonly nodeNumber: number; readonly epoch: number },
  isLive: (nodeNumber: number) => boolean,
): Promise<boolean> {
  const record = await chunks.get(tx, id);
  const isKept = record?.state === "live" || record?.state === "garbage";
  if (!isKept || !isFresh(record, copy, await readHorizon(tx))) {
    const fence = record?.deleteEpoch ?? 0;
    if (copy.epoch <= fence) await addDrop(tx, id, copy.nodeNumber, fence);
    return false;
  }
  const changed = withNodes(record, [copy.nodeNumber]);
  changeChunk(tx, id, record, withDebt(changed, liveCopies(changed, isLive)));
  return true;
}

export interface ForgetReplica {
  readonly nodeNumber: number;
  /** Also have the node delete its copy: the record has enough others. */
  readonly deletes: boolean;
}

/**
 * Takes a node out of the chunk's record: its copy is bad, lost or too many. Receipts that the node made until now do
 * not count for this chunk any more. False when the record does not name the node.
 */
export async function forgetReplica(
  tx: KvTransaction,
  id: ChunkId,
  { nodeNumber, deletes }: ForgetReplica,
  isLive: (nodeNumber: number) => boolean,
): Promise<boolean> {
  const record = await chunks.get(tx, id);
  const isKept = record?.state === "live" || record?.state === "garbage";
  if (!isKept || !record.nodeNumbers.includes(nodeNumber)) return false;
  const epoch = await endEpoch(tx);
  const horizon = await readHorizon(tx);
  const changed: ChunkRecord = {
    ...record,
    nodeNumbers: record.nodeNumbers.filter((number) => number !== nodeNumber),
    fences: [
      ...record.fences.filter((fence) => fence.epoch > horizon && fence.nodeNumber !== nodeNumber),
      { nodeNumber, epoch },
    ],
  };
  changeChunk(tx, id, record, withDebt(changed, liveCopies(changed, isLive)));
  if (deletes) await addDrop(tx, id, nodeNumber, epoch);
  return true;
}

/** The node is to delete its copies up to an epoch; a decision of a later epoch stands. */
export async function addDrop(
  tx: KvTransaction,
  id: ChunkId,
  nodeNumber: number,
  epoch: number,
): Promise<void> {
  const decided = (await drops.get(tx, [nodeNumber, id])) ?? 0;
  if (epoch > decided) drops.put(tx, [nodeNumber, id], epoch);
}

/** How many of the nodes that hold it are there. */
export function liveCopies(record: ChunkRecord, isLive: (nodeNumber: number) => boolean): number {
  let live = 0;
  for (const nodeNumber of record.nodeNumbers) if (isLive(nodeNumber)) live += 1;
  return live;
}
