import {
  buildPlacementTree,
  type PlacementBranch,
  type PlacementTree,
  rackKey,
} from "./placement-tree.ts";
import { type ScoreSeed, score, scoreSeed } from "./seeded-score.ts";
import type { Candidate, NodeSelector, SelectionRequest } from "./selector.ts";

const trees = new WeakMap<readonly Candidate[], PlacementTree>();

/**
 * Spreads copies over as many zones as there are, within a zone over racks, and chooses among equals in proportion to the room
 * they have. A node that comes, goes or fills up moves few of the other choices.
 */
export const capacityWeighted: NodeSelector = {
  name: "capacity-weighted",
  select(candidates, request) {
    const tree = trees.get(candidates) ?? buildPlacementTree(candidates);
    trees.set(candidates, tree);
    const walk = new Walk(tree, request);
    const chosen: number[] = [];
    while (chosen.length < request.count) {
      const nodeNumber = walk.pick(tree.root);
      if (nodeNumber === undefined) break;
      chosen.push(nodeNumber);
    }
    return chosen;
  },
};

/** One selection: what was picked where so far. */
class Walk {
  readonly #seed: ScoreSeed;
  readonly #closed: Set<number>;
  readonly #picks = new Map<PlacementBranch, number>();
  readonly #exhausted = new Set<PlacementBranch>();

  constructor(tree: PlacementTree, request: SelectionRequest) {
    this.#seed = scoreSeed(request.seed);
    this.#closed = new Set(request.excluded);
    for (const holder of request.holders) {
      this.#closed.add(holder.nodeNumber);
      this.#count(tree.zones.get(holder.zone));
      this.#count(tree.racks.get(rackKey(holder)));
    }
  }

  /** The next node below `branch`; undefined when all are taken. */
  pick(branch: PlacementBranch): number | undefined {
    if (branch.nodeNumber !== undefined) {
      if (this.#closed.has(branch.nodeNumber)) return undefined;
      this.#closed.add(branch.nodeNumber);
      return branch.nodeNumber;
    }
    for (let best = this.#best(branch); best !== undefined; best = this.#best(branch)) {
      const nodeNumber = this.pick(best);
      if (nodeNumber !== undefined) {
        this.#count(best);
        return nodeNumber;
      }
      this.#exhausted.add(best);
    }
    return undefined;
  }

  /** Where the fewest copies are yet; among those the lowest score. */
  #best(branch: PlacementBranch): PlacementBranch | undefined {
    let best: PlacementBranch | undefined;
    let bestPicks = 0;
    let bestScore = 0;
    for (const child of branch.children) {
      if (this.#exhausted.has(child)) continue;
      const picks = this.#picks.get(child) ?? 0;
      if (best !== undefined && picks > bestPicks) continue;
      const childScore = score(this.#seed, child.hash, child.weight);
      if (best === undefined || picks < bestPicks || childScore < bestScore) {
        best = child;
        bestPicks = picks;
        bestScore = childScore;
      }
    }
    return best;
  }

  #count(branch: PlacementBranch | undefined): void {
    if (branch !== undefined) this.#picks.set(branch, (this.#picks.get(branch) ?? 0) + 1);
  }
}
