import { hashNumber, hashText } from "./seeded-score.ts";
import type { Candidate } from "./selector.ts";

/** A zone, a rack, a share of a large rack, or a node: each weighs what is available below it. */
export interface PlacementBranch {
  readonly hash: number;
  readonly weight: number;
  /** Of a leaf. */
  readonly nodeNumber: number | undefined;
  readonly children: readonly PlacementBranch[];
}

/** The branches of one arrangement of candidates, found from the top and by name. */
export interface PlacementTree {
  readonly root: PlacementBranch;
  readonly zones: ReadonlyMap<string, PlacementBranch>;
  /** By zone and rack: racks of the same name in two zones are two racks. */
  readonly racks: ReadonlyMap<string, PlacementBranch>;
}

/** A rack of more nodes is divided into shares, so that a choice compares dozens of items, not thousands. */
const NODES_PER_SHARE = 64;

/** Builds the tree that `capacityWeighted` walks. Pure. */
export function buildPlacementTree(candidates: readonly Candidate[]): PlacementTree {
  const zones = new Map<string, PlacementBranch>();
  const racks = new Map<string, PlacementBranch>();
  for (const [zone, inZone] of groupBy(candidates, (candidate) => candidate.zone)) {
    const racksOfZone: PlacementBranch[] = [];
    for (const [rack, inRack] of groupBy(inZone, (candidate) => candidate.rack)) {
      const place = { zone, rack };
      const made = branch(hashText(rackKey(place)), shares(inRack));
      racks.set(rackKey(place), made);
      racksOfZone.push(made);
    }
    zones.set(zone, branch(hashText(zone), racksOfZone));
  }
  return { root: branch(0, [...zones.values()]), zones, racks };
}

/** Names a rack within the whole cluster. */
export function rackKey(place: { readonly zone: string; readonly rack: string }): string {
  return JSON.stringify([place.zone, place.rack]);
}

/** The number of shares is a power of two, so that a rack that grows divides anew only when it has doubled. */
function shares(candidates: readonly Candidate[]): readonly PlacementBranch[] {
  const count = 2 ** Math.ceil(Math.log2(candidates.length / NODES_PER_SHARE));
  if (count <= 1) return candidates.map(leaf);
  return groupBy(candidates, ({ nodeNumber }) => hashNumber(nodeNumber) % count).map(
    ([share, inShare]) => branch(hashText(`share ${share}`), inShare.map(leaf)),
  );
}

function leaf(candidate: Candidate): PlacementBranch {
  return {
    hash: hashNumber(candidate.nodeNumber),
    // A candidate has room for its chunk; the floor keeps scores finite whatever it says.
    weight: Math.max(1, candidate.availableBytes),
    nodeNumber: candidate.nodeNumber,
    children: [],
  };
}

function branch(hash: number, children: readonly PlacementBranch[]): PlacementBranch {
  const weight = children.reduce((sum, child) => sum + child.weight, 0);
  return { hash, weight, nodeNumber: undefined, children };
}

function groupBy<K>(
  candidates: readonly Candidate[],
  keyOf: (candidate: Candidate) => K,
): [K, Candidate[]][] {
  const groups = new Map<K, Candidate[]>();
  for (const candidate of candidates) {
    const key = keyOf(candidate);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [candidate]);
    else group.push(candidate);
  }
  return [...groups];
}
