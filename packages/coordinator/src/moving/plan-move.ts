import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { chooseLeaver } from "../placement/choose-leaver.ts";
import { hashNumber, type ScoreSeed, score, scoreSeed } from "../placement/seeded-score.ts";
import { isBalanced, type LoadedNode, type MoveField, shareOf } from "./move-field.ts";
import { type Change, compareChanges, NO_CHANGE, Spread } from "./spread.ts";

/** Why a copy moves: its node is to be emptied, the copies are too close together, a node is fuller than others. */
export type MoveReason = "drain" | "spread" | "balance";

/** What is to be done for a chunk now, at most one thing. */
export type MovePlan =
  | { readonly kind: "nothing" }
  /** A copy is to leave, and no node can take one in its place. */
  | { readonly kind: "blocked"; readonly from: number }
  /** One more copy goes to `to`; afterwards the copy that is missed least goes, as a rule that of `from`. */
  | {
      readonly kind: "copy";
      readonly reason: MoveReason;
      readonly from: number;
      readonly to: number;
    }
  /** The wanted copies are elsewhere: this one goes when they have been read. */
  | {
      readonly kind: "release";
      readonly reason: "drain" | "surplus";
      readonly leaver: number;
      /** How many copies that stay have to be read and found intact. */
      readonly intactMin: number;
    };

export interface MoveTerms {
  readonly field: MoveField;
  /** Nodes that are not to take a copy now. */
  readonly excluded: ReadonlySet<number>;
  /** Whether anything but draining nodes is cared for; not while repair has work. */
  readonly isCalm: boolean;
  /** How far from the mean, as a share of capacity, a node may be without being balanced; undefined: nothing is moved for balance. */
  readonly balanceWithin: number | undefined;
  /** Of copies that are missed equally little, this node's goes. */
  readonly preferred?: number | undefined;
  /** A node for one more copy, as placement chooses; undefined when there is none. */
  readonly placeCopy: (request: {
    readonly seed: Uint8Array;
    readonly chunkSizeBytes: number;
    readonly holders: readonly number[];
    readonly excluded: ReadonlySet<number>;
  }) => number | undefined;
}

const NOTHING: MovePlan = { kind: "nothing" };

/**
 * Picks the one move of a chunk: away from nodes that are to be emptied; else to where the copies are more spread; else
 * from a node that is fuller than the mean to one that is emptier. Never leaves fewer copies than wanted. Carried out again
 * and again it ends: a move for the spread lowers the crowding, one for balance keeps that and lowers the imbalance.
 * Deterministic: the answer depends on the arguments alone.
 */
export function planMove(id: ChunkId, record: ChunkRecord, terms: MoveTerms): MovePlan {
  const { field } = terms;
  const members = record.nodeNumbers.flatMap((nodeNumber) => field.nodes.get(nodeNumber) ?? []);
  const leaving = members.filter((node) => node.isLeaving);
  const [leaver] = leaving;
  if (record.state === "garbage" && leaver !== undefined) {
    // Nobody reads it; who refers to it again brings copies of its own or counts those that are left.
    return { kind: "release", reason: "drain", leaver: leaver.nodeNumber, intactMin: 0 };
  }
  if (record.state !== "live") return NOTHING;
  const { wantedCopies } = record;
  const live = members.filter((node) => node.isLive);
  // Too few copies are a debt, and repair's to pay.
  if (live.length < wantedCopies) return NOTHING;
  const staying = live.filter((node) => !node.isLeaving);
  if (staying.length < wantedCopies) return planDrain(id, record, { staying, leaving }, terms);
  if (leaver !== undefined) {
    const { nodeNumber } = leaver;
    return { kind: "release", reason: "drain", leaver: nodeNumber, intactMin: wantedCopies };
  }
  if (!terms.isCalm) return NOTHING;
  if (staying.length > wantedCopies) return planSurplus(staying, wantedCopies, terms.preferred);
  return planSpread(id, record, staying, terms) ?? planBalance(id, record, staying, terms);
}

/** Whether the copies that stay could be spread more: over more zones, or more racks of these. */
export function isMisplaced(id: ChunkId, record: ChunkRecord, terms: MoveTerms): boolean {
  if (record.state !== "live") return false;
  const staying = record.nodeNumbers.flatMap((nodeNumber) => {
    const node = terms.field.nodes.get(nodeNumber);
    return node?.isLive === true && !node.isLeaving ? [node] : [];
  });
  // More or fewer are another matter, and their spread not settled yet.
  if (staying.length !== record.wantedCopies) return false;
  return planSpread(id, record, staying, terms) !== undefined;
}

function planDrain(
  id: ChunkId,
  record: ChunkRecord,
  {
    staying,
    leaving,
  }: { readonly staying: readonly LoadedNode[]; readonly leaving: readonly LoadedNode[] },
  { field, excluded, placeCopy }: MoveTerms,
): MovePlan {
  const from = leaving[0]?.nodeNumber;
  if (from === undefined) return NOTHING;
  const closed = new Set([...excluded, ...record.nodeNumbers]);
  const request = {
    seed: chunkIdToBytes(id),
    chunkSizeBytes: record.lengthBytes,
    holders: staying.map((node) => node.nodeNumber),
    excluded: closed,
  };
  for (let to = placeCopy(request); to !== undefined; to = placeCopy(request)) {
    const target = field.nodes.get(to);
    if (target !== undefined && field.hasRoom(target, record.lengthBytes)) {
      return { kind: "copy", reason: "drain", from, to };
    }
    // A selector that chooses what was excluded would go on for ever.
    if (closed.has(to)) break;
    closed.add(to);
  }
  return { kind: "blocked", from };
}

function planSurplus(
  staying: readonly LoadedNode[],
  wantedCopies: number,
  preferred: number | undefined,
): MovePlan {
  const well = staying.filter((node) => node.isWell);
  if (well.length <= wantedCopies) return NOTHING;
  const leaver = chooseLeaver(
    well.map((node) => ({ ...node, availableBytes: node.capacityBytes - node.keptBytes })),
  );
  if (leaver === undefined) return NOTHING;
  const chosen = well.find((node) => node.nodeNumber === leaver);
  const wished = well.find((node) => node.nodeNumber === preferred);
  const spread = new Spread(well);
  const isEqual =
    chosen !== undefined &&
    wished !== undefined &&
    compareChanges(spread.crowdAt(chosen), spread.crowdAt(wished)) === 0;
  const goes = isEqual ? wished.nodeNumber : leaver;
  return { kind: "release", reason: "surplus", leaver: goes, intactMin: wantedCopies };
}

function planSpread(
  id: ChunkId,
  record: ChunkRecord,
  staying: readonly LoadedNode[],
  terms: MoveTerms,
): MovePlan | undefined {
  const spread = new Spread(staying);
  if (spread.isWidest) return undefined;
  let best: Improvement | undefined;
  for (const from of staying) {
    for (const rack of terms.field.racks) {
      const change = spread.change(from, rack);
      const order = compareChanges(change, best?.change ?? NO_CHANGE);
      if (order > 0 || (order === 0 && from !== best?.from)) continue;
      const able = rack.takers.filter((node) => canGo(record, node, terms));
      if (able.length === 0) continue;
      const takers = order === 0 ? [...(best?.takers ?? []), ...able] : able;
      best = { change, from, takers };
    }
  }
  const to = choose(id, best?.takers ?? [], (node) => node.roomBytes);
  if (best === undefined || to === undefined) return undefined;
  return { kind: "copy", reason: "spread", from: best.from.nodeNumber, to: to.nodeNumber };
}

/** The best way found to spread copies more, and who could take the copy. */
interface Improvement {
  readonly change: Change;
  readonly from: LoadedNode;
  readonly takers: readonly LoadedNode[];
}

function planBalance(
  id: ChunkId,
  record: ChunkRecord,
  staying: readonly LoadedNode[],
  terms: MoveTerms,
): MovePlan {
  const { field, balanceWithin } = terms;
  if (balanceWithin === undefined || !field.hasLoads) return NOTHING;
  const mean = field.meanShare;
  if (field.isBalanced(balanceWithin)) return NOTHING;
  const fuller = staying.filter((node) => isBalanced(node) && shareOf(node) > mean);
  if (fuller.length === 0) return NOTHING;
  fuller.sort((one, other) => shareOf(other) - shareOf(one) || one.nodeNumber - other.nodeNumber);
  const { belowMean, farBelow } = field.emptier(balanceWithin);
  const spread = new Spread(staying);
  for (const from of fuller) {
    // Who is too full gives to all below the mean; who is too empty takes from all above it.
    const able = shareOf(from) > mean + balanceWithin ? belowMean : farBelow;
    const takers = able.filter(
      (node) =>
        lowersImbalance(from, node, record.lengthBytes) &&
        canGo(record, node, terms) &&
        compareChanges(spread.change(from, node), NO_CHANGE) <= 0,
    );
    const to = choose(id, takers, (node) => mean * node.capacityBytes - node.keptBytes);
    if (to !== undefined) {
      return { kind: "copy", reason: "balance", from: from.nodeNumber, to: to.nodeNumber };
    }
  }
  return NOTHING;
}

/** Whether the node may take one more copy of the chunk. */
function canGo(record: ChunkRecord, node: LoadedNode, { field, excluded }: MoveTerms): boolean {
  return (
    field.hasRoom(node, record.lengthBytes) &&
    !excluded.has(node.nodeNumber) &&
    !record.nodeNumbers.includes(node.nodeNumber)
  );
}

/** After the move the taker is not fuller than the giver: the sum of kept bytes squared over capacity falls with each such move. */
function lowersImbalance(from: LoadedNode, to: LoadedNode, sizeBytes: number): boolean {
  const fromShare = (from.keptBytes - sizeBytes) / from.capacityBytes;
  const toShare = (to.keptBytes + sizeBytes) / to.capacityBytes;
  return fromShare >= toShare;
}

/** One of the nodes, in proportion to their weights over many chunks. */
function choose(
  id: ChunkId,
  nodes: readonly LoadedNode[],
  weightOf: (node: LoadedNode) => number,
): LoadedNode | undefined {
  if (nodes.length <= 1) return nodes[0];
  const seed: ScoreSeed = scoreSeed(chunkIdToBytes(id));
  let best: LoadedNode | undefined;
  let bestScore = 0;
  for (const node of nodes) {
    const nodeScore = score(seed, hashNumber(node.nodeNumber), Math.max(1, weightOf(node)));
    if (best !== undefined && nodeScore >= bestScore) continue;
    best = node;
    bestScore = nodeScore;
  }
  return best;
}
