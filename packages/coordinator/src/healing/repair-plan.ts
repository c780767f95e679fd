import type { ChunkRecord } from "../chunks/chunk-record.ts";

/** What repair needs to know of a node. */
export interface HolderView {
  /** Its copies count: a member and not dead. */
  isLive(nodeNumber: number): boolean;
  /** It was heard of in time: asked before one that is only not given up. */
  isHeard(nodeNumber: number): boolean;
}

/** What is to be done for a chunk. */
export type RepairPlan =
  /** It owes nothing. */
  | { readonly kind: "nothing" }
  /** The ledger has another number of copies than are live: put that right first. */
  | { readonly kind: "settle" }
  /** No copy is live: nothing can be done until a holder comes back. */
  | { readonly kind: "lost" }
  /** Copy from one of these, the best first. */
  | { readonly kind: "copy"; readonly sources: readonly number[] };

/** Compares what the record says with the nodes that are there now. Pure. */
export function planRepair(record: ChunkRecord | undefined, nodes: HolderView): RepairPlan {
  if (record?.debtCopies === undefined) return { kind: "nothing" };
  const live = record.nodeNumbers.filter((nodeNumber) => nodes.isLive(nodeNumber));
  if (live.length !== record.debtCopies) return { kind: "settle" };
  if (live.length === 0) return { kind: "lost" };
  const sources = live.sort((a, b) => Number(nodes.isHeard(b)) - Number(nodes.isHeard(a)));
  return { kind: "copy", sources };
}
