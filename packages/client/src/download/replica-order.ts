import type { NodeCondition } from "../node-health.ts";

/** A copy that could be read, and what speaks for and against its node. */
export interface ReplicaCandidate {
  readonly nodeNumber: number;
  readonly state: "good" | "doubtful" | "bad";
  readonly isNear: boolean;
  readonly condition: NodeCondition;
}

/**
 * The replicas in the order in which to ask them: nodes that are well before doubtful ones before dead ones, those without
 * recent trouble first, near before far, then the least busy and fastest. `tie` in [0, 1) spreads readers over equals.
 */
export function orderReplicas(
  candidates: readonly ReplicaCandidate[],
  tie: number,
): ReplicaCandidate[] {
  const shift = Math.floor(tie * candidates.length);
  const turned = [...candidates.slice(shift), ...candidates.slice(0, shift)];
  // The sort is stable: equals stay in the order they were turned to.
  return turned.sort(
    (a, b) =>
      STATE_RANK[a.state] - STATE_RANK[b.state] ||
      troubleRank(a) - troubleRank(b) ||
      Number(b.isNear) - Number(a.isNear) ||
      a.condition.activeReads - b.condition.activeReads ||
      latencyRank(a) - latencyRank(b),
  );
}

const STATE_RANK = { good: 0, doubtful: 1, bad: 2 } as const;

function troubleRank(candidate: ReplicaCandidate): number {
  return Math.min(candidate.condition.recentFailures, 3);
}

/** In powers of two, so that small differences do not send everybody to one node. */
function latencyRank(candidate: ReplicaCandidate): number {
  return Math.round(Math.log2(1 + candidate.condition.latencyMs));
}
