import type { KvTransaction } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { chunks, drops } from "../keyspace.ts";
import { readHorizon } from "../single-values.ts";
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
  return (await forgetReplicas(tx, [{ id, nodeNumber, deletes }], isLive)).has(id);
}

/** As `forgetReplica`, of many chunks under one epoch; each chunk at most once. Gives those that were named. */
export async function forgetReplicas(
  tx: KvTransaction,
  copies: readonly (ForgetReplica & { readonly id: ChunkId })[],
  isLive: (nodeNumber: number) => boolean,
): Promise<ReadonlySet<ChunkId>> {
  const records = await chunks.getMany(
    tx,
    copies.map(({ id }) => id),
  );
  const isNamed = copies.map(({ nodeNumber }, at) => names(records[at], nodeNumber));
  const forgotten = new Set<ChunkId>();
  if (!isNamed.includes(true)) return forgotten;
  const epoch = await endEpoch(tx);
  const horizon = await readHorizon(tx);
  for (const [at, { id, nodeNumber, deletes }] of copies.entries()) {
    const record = records[at];
    if (record === undefined || !isNamed[at]) continue;
    const changed: ChunkRecord = {
      ...record,
      nodeNumbers: record.nodeNumbers.filter((number) => number !== nodeNumber),
      fences: [
        ...record.fences.filter(
          (fence) => fence.epoch > horizon && fence.nodeNumber !== nodeNumber,
        ),
        { nodeNumber, epoch },
      ],
    };
    changeChunk(tx, id, record, withDebt(changed, liveCopies(changed, isLive)));
    if (deletes) await addDrop(tx, id, nodeNumber, epoch);
    forgotten.add(id);
  }
  return forgotten;
}

function names(record: ChunkRecord | undefined, nodeNumber: number): boolean {
  const isKept = record?.state === "live" || record?.state === "garbage";
  return isKept && record.nodeNumbers.includes(nodeNumber);
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

/** Which nodes' copies count. */
export interface CountedNodes {
  /** A member and not dead. */
  isLive(nodeNumber: number): boolean;
  isMember(nodeNumber: number): boolean;
}

/**
 * The record as it fits to the nodes that there are: without those that are no members any more, and in debt as
 * its live copies say. The same object when it fits already.
 */
export function fitToNodes(record: ChunkRecord, nodes: CountedNodes): ChunkRecord {
  if (record.state !== "live" && record.state !== "garbage") return record;
  let live = 0;
  let hasStrangers = false;
  for (const nodeNumber of record.nodeNumbers) {
    if (nodes.isLive(nodeNumber)) live += 1;
    else hasStrangers ||= !nodes.isMember(nodeNumber);
  }
  const owed = record.state === "live" && live < record.wantedCopies ? live : undefined;
  if (!hasStrangers && owed === record.debtCopies) return record;
  const nodeNumbers = hasStrangers
    ? record.nodeNumbers.filter((nodeNumber) => nodes.isMember(nodeNumber))
    : record.nodeNumbers;
  return withDebt({ ...record, nodeNumbers }, live);
}

/** Whether the chunk has a copy too many that could go now. */
export function hasSurplus(
  { state, nodeNumbers, wantedCopies }: ChunkRecord,
  nodes: { leaverOf(nodeNumbers: readonly number[], wantedCopies: number): number | undefined },
): boolean {
  if (state !== "live" || nodeNumbers.length <= wantedCopies) return false;
  return nodes.leaverOf(nodeNumbers, wantedCopies) !== undefined;
}

/** How many of the nodes that hold it are there. */
export function liveCopies(record: ChunkRecord, isLive: (nodeNumber: number) => boolean): number {
  let live = 0;
  for (const nodeNumber of record.nodeNumbers) if (isLive(nodeNumber)) live += 1;
  return live;
}
