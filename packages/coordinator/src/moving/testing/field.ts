import { type ChunkId, parseChunkId } from "@cairnfs/protocol/chunk-id";
import { type ChunkRecord, NO_DOMAIN } from "../../chunks/chunk-record.ts";
import { capacityWeighted } from "../../placement/capacity-weighted.ts";
import type { FieldNode, MoveField } from "../move-field.ts";
import type { MoveTerms } from "../plan-move.ts";

export const GIB = 2 ** 30;
export const MIB = 2 ** 20;

export function chunkIdOf(number: number): ChunkId {
  // Spread over the whole space, as hashes are.
  const head = (Math.imul(number, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0");
  return parseChunkId(head + number.toString(16).padStart(56, "0"));
}

export function fieldNode(nodeNumber: number, over: Partial<FieldNode> = {}): FieldNode {
  const capacityBytes = over.capacityBytes ?? 100 * GIB;
  return {
    nodeNumber,
    zone: "",
    rack: "",
    isLive: true,
    isLeaving: false,
    isWell: true,
    canTake: true,
    capacityBytes,
    availableBytes: capacityBytes,
    ...over,
  };
}

export function recordOf(
  nodeNumbers: readonly number[],
  over: Partial<ChunkRecord> = {},
): ChunkRecord {
  return {
    state: "live",
    lengthBytes: MIB,
    references: 1,
    wantedCopies: 3,
    nodeNumbers,
    homeDomainId: NO_DOMAIN,
    homeReferences: 0,
    dueMs: 0,
    deleteEpoch: 0,
    debtCopies: undefined,
    fences: [],
    ...over,
  };
}

/** Terms under which everything is moved, and places are found as the default selector finds them. */
export function termsOf(field: MoveField, over: Partial<MoveTerms> = {}): MoveTerms {
  return {
    field,
    excluded: new Set(),
    isCalm: true,
    balanceWithin: 0.05,
    placeCopy: ({ seed, holders, excluded }) => {
      const candidates = [...field.nodes.values()].filter((node) => node.canTake);
      const isOneLeft = candidates.some(
        ({ nodeNumber }) => !excluded.has(nodeNumber) && !holders.includes(nodeNumber),
      );
      if (!isOneLeft) return undefined;
      const holding = [...field.nodes.values()].filter((node) => holders.includes(node.nodeNumber));
      return capacityWeighted.select(candidates, { count: 1, seed, excluded, holders: holding })[0];
    },
    ...over,
  };
}
