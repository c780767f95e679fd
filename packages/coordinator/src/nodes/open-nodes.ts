import { CairnError } from "@cairnfs/base/errors";
import type { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import type { CoordinatorConfig } from "../config.ts";
import type { CoordinatorParts } from "../coordinator-parts.ts";
import { type LedgerState, noteWalkDue } from "../healing/ledger-state.ts";
import type { ClusterIdentity } from "../identity.ts";
import { type NodeId, nodeIdToBytes } from "./node-id.ts";
import { NodeManager } from "./node-manager.ts";

/** How long a node that is believed to be alive may take to say so, when another claims its id. */
const PROBE_TIMEOUT_MS = 2000;

/** The members as the store has them, and what they are by the last coordinator's word. */
export function openNodes(
  config: CoordinatorConfig,
  { kv, clock, telemetry }: Pick<CoordinatorParts, "kv" | "clock" | "telemetry">,
  {
    identity,
    pool,
    ledger,
  }: {
    readonly identity: ClusterIdentity;
    readonly pool: NodePool;
    readonly ledger: LedgerState;
  },
): Promise<NodeManager> {
  const isNodeAt = async (address: string, nodeId: NodeId, signal: AbortSignal) => {
    try {
      const options = { signal, timeoutMs: PROBE_TIMEOUT_MS };
      const answer = await pool.datanode(address).healthCheck({}, options);
      return Buffer.compare(answer.nodeId, nodeIdToBytes(nodeId)) === 0;
    } catch (error) {
      // Whatever it was: no node with this id has answered there.
      if (error instanceof CairnError && !signal.aborted) return false;
      throw error;
    }
  };
  return NodeManager.open(
    { kv, clock, logger: telemetry.logger, isNodeAt, onRemoving: noteWalkDue },
    {
      clusterSecret: identity.clusterSecret,
      incarnation: identity.incarnation,
      updateLogCapacity: config.updateLogSize,
      nodesMax: config.nodesMax,
      suspectAfterMs: config.suspectAfterMs,
      deadAfterMs: config.deadAfterMs,
      deadNumbers: new Set(ledger.deadSinceMs.keys()),
    },
  );
}
