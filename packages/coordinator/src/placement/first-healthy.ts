import type { Candidate, NodeSelector, SelectionRequest } from "./selector.ts";

/** The candidates with the lowest numbers. For tests and for clusters where an operator wants to see no chance at work. */
export const firstHealthy: NodeSelector = {
  name: "first-healthy",
  select(candidates, request) {
    return candidates
      .filter((candidate) => isFree(candidate, request))
      .map((candidate) => candidate.nodeNumber)
      .sort((a, b) => a - b)
      .slice(0, request.count);
  },
};

function isFree(candidate: Candidate, request: SelectionRequest): boolean {
  return (
    !request.excluded.has(candidate.nodeNumber) &&
    !request.holders.some((holder) => holder.nodeNumber === candidate.nodeNumber)
  );
}
