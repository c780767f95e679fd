import { create } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import {
  type Node,
  NodeState,
  type NodeUpdates,
  NodeUpdatesSchema,
} from "@cairnfs/protocol/gen/cairn/v1/common_pb";

/** This node's copy of the node table. Old news is harmless: versions only grow. */
export class NodeCache {
  #rows = new Map<number, Node>();
  #version = 0n;

  get version(): bigint {
    return this.#version;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Takes updates, or the whole table; true when the copy is another one now. */
  apply(updates: NodeUpdates | undefined): boolean {
    if (updates === undefined) return false;
    if (updates.requiresFullResync) this.#rows = new Map();
    else if (updates.version <= this.#version) return false;
    for (const node of updates.nodes) {
      if (node.state === NodeState.REMOVED) this.#rows.delete(node.nodeNumber);
      else this.#rows.set(node.nodeNumber, node);
    }
    this.#version = updates.version;
    return true;
  }

  /** Whether this copy has the node. */
  has(nodeNumber: number): boolean {
    return this.#rows.has(nodeNumber);
  }

  /** Whether `updates` say of any node that it is elsewhere, new or gone: what there is to keep for the next start. */
  isMove(updates: NodeUpdates): boolean {
    if (updates.requiresFullResync && updates.nodes.length !== this.#rows.size) return true;
    return updates.nodes.some((node) => {
      const address = this.#rows.get(node.nodeNumber)?.address;
      return node.state === NodeState.REMOVED ? address !== undefined : address !== node.address;
    });
  }

  /** Where a node is: by this copy or, for one it does not know, by the hints that came with a call. `nodeNotFound`. */
  addressOf(nodeNumber: number, hints: readonly Node[] = []): string {
    const node =
      this.#rows.get(nodeNumber) ?? hints.find((candidate) => candidate.nodeNumber === nodeNumber);
    if (node !== undefined) return node.address;
    throw new CairnError("nodeNotFound", `this node knows no node ${nodeNumber}`, {
      details: { nodeNumber },
    });
  }

  /** The whole copy, as `apply` takes it. */
  snapshot(): NodeUpdates {
    return create(NodeUpdatesSchema, {
      version: this.#version,
      requiresFullResync: true,
      nodes: [...this.#rows.values()],
    });
  }
}
