import { CairnError } from "@cairnfs/base/errors";
import type { DataNodeService } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import type { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import type { NodeTable } from "../nodes/node-table.ts";

/** Calls to nodes by their numbers. */
export class NodeCalls {
  readonly #pool: NodePool;
  readonly #table: NodeTable;

  constructor(pool: NodePool, table: NodeTable) {
    this.#pool = pool;
    this.#table = table;
  }

  /** Whether the number is a member's. */
  isMember(nodeNumber: number): boolean {
    return this.#table.get(nodeNumber) !== undefined;
  }

  /** The node's service at its present address. A dead node is not tried: `unreachable`. */
  to(nodeNumber: number): ServiceClient<typeof DataNodeService> {
    const row = this.#table.get(nodeNumber);
    if (row === undefined) {
      throw new CairnError("nodeNotFound", `no node has number ${nodeNumber}`);
    }
    if (row.liveness === "dead") {
      throw new CairnError("unreachable", `node ${nodeNumber} is dead`);
    }
    return this.#pool.datanode(row.address);
  }
}
