import { rackKey } from "../placement/placement-tree.ts";

/** A node as the planning of moves sees it. */
export interface FieldNode {
  readonly nodeNumber: number;
  readonly zone: string;
  readonly rack: string;
  /** Its copies count: it is not dead. */
  readonly isLive: boolean;
  /** The operator wants it to give its copies away: it is draining or drained. */
  readonly isLeaving: boolean;
  /** It is heard in time and its disk serves reads. */
  readonly isWell: boolean;
  /** It takes new copies while it has room. */
  readonly canTake: boolean;
  readonly capacityBytes: number;
  /** What new copies may take, as it said last. */
  readonly availableBytes: number;
}

/** A node with what is known of its load, moves that are under way included. */
export interface LoadedNode extends FieldNode {
  readonly rackKey: string;
  /** Bytes of chunks that records place there. */
  keptBytes: number;
  roomBytes: number;
}

/** The nodes of one rack that take copies. */
export interface RackTakers {
  readonly zone: string;
  readonly rackKey: string;
  readonly takers: readonly LoadedNode[];
}

/**
 * The nodes of one moment and what each of them keeps, by the records: reports lag behind what was moved, and count what was deleted
 * until its segment is compacted. `add` keeps it in step with moves.
 */
export class MoveField {
  readonly nodes: ReadonlyMap<number, LoadedNode>;
  readonly racks: readonly RackTakers[];
  /** Whether `keptBytes` of nodes are known; without that nothing is moved for balance. */
  readonly hasLoads: boolean;
  readonly #capacityBytes: number;
  #keptBytes = 0;
  /** What was found of the shares, until one of them changes. */
  #found: FoundShares | undefined;

  constructor(nodes: Iterable<FieldNode>, keptBytes: ReadonlyMap<number, number> | undefined) {
    const loaded = new Map<number, LoadedNode>();
    let capacityBytes = 0;
    for (const node of nodes) {
      const kept = keptBytes?.get(node.nodeNumber) ?? 0;
      loaded.set(node.nodeNumber, {
        ...node,
        rackKey: rackKey(node),
        keptBytes: kept,
        roomBytes: node.availableBytes,
      });
      if (!isBalanced(node)) continue;
      capacityBytes += node.capacityBytes;
      this.#keptBytes += kept;
    }
    this.nodes = loaded;
    this.racks = racksOf(loaded.values());
    this.hasLoads = keptBytes !== undefined;
    this.#capacityBytes = capacityBytes;
  }

  /** The share of their capacity that the nodes that stay keep, all together. */
  get meanShare(): number {
    return this.#capacityBytes === 0 ? 0 : this.#keptBytes / this.#capacityBytes;
  }

  /** A copy of this size came to the node, or went from it when negative. */
  add(nodeNumber: number, sizeBytes: number): void {
    const node = this.nodes.get(nodeNumber);
    if (node === undefined) return;
    this.#found = undefined;
    node.keptBytes += sizeBytes;
    node.roomBytes -= sizeBytes;
    if (isBalanced(node)) this.#keptBytes += sizeBytes;
  }

  /** By how much the share of a node differs most from the mean: above zero for the fullest, below for the emptiest. */
  extremes(): { readonly above: number; readonly below: number } {
    const mean = this.meanShare;
    let above = 0;
    let below = 0;
    for (const node of this.nodes.values()) {
      if (!isBalanced(node)) continue;
      const difference = shareOf(node) - mean;
      above = Math.max(above, difference);
      below = Math.min(below, difference);
    }
    return { above, below };
  }

  /** Whether no node is further than `within`, a share of its capacity, from the mean. */
  isBalanced(within: number): boolean {
    const { above, below } = this.#shares(within);
    return above <= within && -below <= within;
  }

  /** The nodes that take copies and keep less than the mean, and those of them that are further than `within` below it. */
  emptier(within: number): Pick<FoundShares, "belowMean" | "farBelow"> {
    return this.#shares(within);
  }

  #shares(within: number): FoundShares {
    if (this.#found?.within === within) return this.#found;
    const mean = this.meanShare;
    const takers = [...this.nodes.values()].filter((node) => node.canTake && isBalanced(node));
    this.#found = {
      within,
      ...this.extremes(),
      belowMean: takers.filter((node) => shareOf(node) < mean),
      farBelow: takers.filter((node) => shareOf(node) < mean - within),
    };
    return this.#found;
  }

  /** Whether the node may take one more copy of this size. */
  hasRoom(node: LoadedNode, sizeBytes: number): boolean {
    // What it said is some seconds old, and others are sent there meanwhile: room for a second one must be left.
    return node.canTake && node.roomBytes >= 2 * sizeBytes;
  }
}

interface FoundShares {
  readonly within: number;
  readonly above: number;
  readonly below: number;
  readonly belowMean: readonly LoadedNode[];
  readonly farBelow: readonly LoadedNode[];
}

/** Which share of its capacity the node keeps. */
export function shareOf(node: LoadedNode): number {
  return node.keptBytes / node.capacityBytes;
}

/** Whether the node's share is compared with the others'. */
export function isBalanced(node: FieldNode): boolean {
  return node.isLive && !node.isLeaving && node.capacityBytes > 0;
}

function racksOf(nodes: Iterable<LoadedNode>): RackTakers[] {
  const racks = new Map<string, LoadedNode[]>();
  for (const node of nodes) {
    if (!node.canTake) continue;
    const takers = racks.get(node.rackKey);
    if (takers === undefined) racks.set(node.rackKey, [node]);
    else takers.push(node);
  }
  return [...racks].map(([key, takers]) => ({
    zone: takers[0]?.zone ?? "",
    rackKey: key,
    takers,
  }));
}
