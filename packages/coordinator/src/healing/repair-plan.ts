import type { ChunkRecord } from "../chunks/chunk-record.ts";

/** What repair needs to know of a node. */
export interface HolderView {
  /** Its copies count: a member and not dead. */
  isLive(nodeNumber: number): boolean;
  /** It was heard of in time and its disk is in order: asked before one that is only not given up. */
  isWell(nodeNumber: number): boolean;
  /** Since when a member has been dead; undefined for all others. */
  deadSinceMs(nodeNumber: number): number | undefined;
}

/** When repair may begin. */
export interface RepairTerms {
  readonly nowMs: number;
  /** How long copies on a node that died are waited for. */
  readonly repairDelayMs: number;
}

/** What is to be done for a chunk. */
export type RepairPlan =
  /** It owes nothing. */
  | { readonly kind: "nothing" }
  /** The ledger has another number of copies than are live: put that right first. */
  | { readonly kind: "settle" }
  /** No copy is live: nothing can be done until a holder comes back. */
  | { readonly kind: "lost" }
  /** What is missing is on nodes that may well come back: not before then. */
  | { readonly kind: "wait"; readonly untilMs: number }
  /** Copy from one of these, the best first. */
  | { readonly kind: "copy"; readonly sources: readonly number[] };

/** Compares what the record says with the nodes that are there now. Pure. */
export function planRepair(
  record: ChunkRecord | undefined,
  nodes: HolderView,
  terms: RepairTerms,
): RepairPlan {
  if (record?.debtCopies === undefined) return { kind: "nothing" };
  const live = record.nodeNumbers.filter((nodeNumber) => nodes.isLive(nodeNumber));
  if (live.length !== record.debtCopies) return { kind: "settle" };
  if (live.length === 0) return { kind: "lost" };
  const untilMs = live.length === 1 ? undefined : waitsUntilMs(record, live.length, nodes, terms);
  if (untilMs !== undefined) return { kind: "wait", untilMs };
  const sources = live.sort((a, b) => Number(nodes.isWell(b)) - Number(nodes.isWell(a)));
  return { kind: "copy", sources };
}

/**
 * Until when all that is missing may come back with nodes that died a short while ago; undefined when more is missing
 * than that.
 */
function waitsUntilMs(
  record: ChunkRecord,
  liveCopies: number,
  nodes: HolderView,
  { nowMs, repairDelayMs }: RepairTerms,
): number | undefined {
  const endsMs: number[] = [];
  for (const nodeNumber of record.nodeNumbers) {
    const sinceMs = nodes.deadSinceMs(nodeNumber);
    if (sinceMs === undefined) continue;
    // A clock that was set back does not make the wait longer than it is.
    const endMs = Math.min(sinceMs, nowMs) + repairDelayMs;
    if (endMs > nowMs) endsMs.push(endMs);
  }
  // Of those that may come back, so many more than are missing may stay away.
  const spare = endsMs.length - (record.wantedCopies - liveCopies);
  return endsMs.sort((a, b) => a - b).at(spare < 0 ? endsMs.length : spare);
}
