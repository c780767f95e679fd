import { CairnError } from "@cairnfs/base/errors";
import { type Node, NodeState, type NodeUpdates } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { abortable } from "./abort.ts";
import { count } from "./entry.ts";

/** Asks the coordinator for what has changed since a version. */
export type FetchNodeUpdates = (lastSeenVersion: bigint) => Promise<NodeUpdates | undefined>;

/** This client's copy of the node table. Old news is harmless: versions only grow. */
export class NodeTable {
  readonly #fetch: FetchNodeUpdates;
  #rows = new Map<number, Node>();
  #version = 0n;
  #syncing: Promise<void> | undefined;

  constructor(fetch: FetchNodeUpdates) {
    this.#fetch = fetch;
  }

  get version(): bigint {
    return this.#version;
  }

  /** Takes what a reply carried. */
  apply(updates: NodeUpdates | undefined): void {
    if (updates === undefined) return;
    // Rows that came along with an answer are as new as the answer, and no state of the table.
    const isState = updates.requiresFullResync || updates.version > 0n;
    if (updates.requiresFullResync) this.#rows = new Map();
    else if (isState && updates.version < this.#version) return;
    for (const node of updates.nodes) {
      if (node.state === NodeState.REMOVED) this.#rows.delete(node.nodeNumber);
      else this.#rows.set(node.nodeNumber, node);
    }
    if (isState) this.#version = updates.version;
  }

  find(nodeNumber: number): Node | undefined {
    return this.#rows.get(nodeNumber);
  }

  all(): Node[] {
    return [...this.#rows.values()];
  }

  /** The node's row; asks the coordinator when it is not known here. `nodeNotFound` when nobody knows it. */
  async get(nodeNumber: number, signal: AbortSignal | undefined): Promise<Node> {
    const known = this.#rows.get(nodeNumber);
    if (known !== undefined) return known;
    await this.resync(signal);
    const node = this.#rows.get(nodeNumber);
    if (node === undefined) {
      throw new CairnError("nodeNotFound", `the cluster knows no node ${nodeNumber}`, {
        details: { nodeNumber },
      });
    }
    return node;
  }

  /** Brings the copy up to date; callers at the same time share one call. */
  async resync(signal: AbortSignal | undefined): Promise<void> {
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = undefined;
    });
    // One caller that gives up must not take the answer from the others.
    await (signal === undefined ? this.#syncing : abortable(this.#syncing, signal));
  }

  async #sync(): Promise<void> {
    this.apply(await this.#fetch(this.#version));
  }
}

/** A node as users see it. */
export interface NodeInfo {
  readonly nodeNumber: number;
  readonly nodeId: string;
  readonly address: string;
  readonly grpcAddress: string;
  readonly zone: string;
  readonly rack: string;
  readonly state: NodeStateName;
  readonly health: "ok" | "read-only" | "failed" | "unknown";
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
  readonly chunkCount: number;
  readonly lastHeardMs: number;
}

const STATE_NAMES = {
  [NodeState.UNSPECIFIED]: "unknown",
  [NodeState.JOINING]: "joining",
  [NodeState.HEALTHY]: "healthy",
  [NodeState.SUSPECT]: "suspect",
  [NodeState.DEAD]: "dead",
  [NodeState.DRAINING]: "draining",
  [NodeState.DRAINED]: "drained",
  [NodeState.REMOVED]: "removed",
} as const;
const HEALTH_NAMES = ["unknown", "ok", "read-only", "failed"] as const;

/** What a node may be in; docs/glossary.md says what each state means. */
export type NodeStateName = (typeof STATE_NAMES)[keyof typeof STATE_NAMES];

/** The name of a state of the wire. */
export function stateName(state: NodeState): NodeStateName {
  // A newer coordinator may know states that we do not.
  const names: Partial<Record<number, NodeStateName>> = STATE_NAMES;
  return names[state] ?? "unknown";
}

export function nodeInfo(node: Node): NodeInfo {
  return {
    nodeNumber: node.nodeNumber,
    nodeId: Buffer.from(node.nodeId).toString("hex"),
    address: node.address,
    grpcAddress: node.grpcAddress,
    zone: node.zone,
    rack: node.rack,
    state: stateName(node.state),
    health: HEALTH_NAMES[node.health] ?? "unknown",
    capacityBytes: count(node.usage?.capacityBytes ?? 0n),
    usedBytes: count(node.usage?.usedBytes ?? 0n),
    availableBytes: count(node.usage?.availableBytes ?? 0n),
    chunkCount: count(node.usage?.chunkCount ?? 0n),
    lastHeardMs: count(node.lastHeardMs),
  };
}
