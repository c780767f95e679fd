import { hashNumber, score, scoreSeed } from "./seeded-score.ts";
import type { NodeSelector } from "./selector.ts";

/** Highest random weight over all candidates alike, whatever their room, zone and rack. */
export const rendezvous: NodeSelector = {
  name: "rendezvous",
  select(candidates, request) {
    const seed = scoreSeed(request.seed);
    const taken = new Set(request.holders.map((holder) => holder.nodeNumber));
    return candidates
      .filter(({ nodeNumber }) => !request.excluded.has(nodeNumber) && !taken.has(nodeNumber))
      .map(({ nodeNumber }) => ({ nodeNumber, score: score(seed, hashNumber(nodeNumber), 1) }))
      .sort((a, b) => a.score - b.score || a.nodeNumber - b.nodeNumber)
      .slice(0, request.count)
      .map(({ nodeNumber }) => nodeNumber);
  },
};
