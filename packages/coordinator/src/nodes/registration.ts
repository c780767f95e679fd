import { CairnError } from "@cairnfs/base/errors";
import type { DiskUsage } from "./disk-usage.ts";
import type { NodeId } from "./node-id.ts";
import type { Membership } from "./node-store.ts";
import type { NodeRow } from "./node-table.ts";

/** What a node says of itself when it starts. */
export interface Registration {
  readonly nodeId: NodeId;
  readonly address: string;
  readonly grpcAddress: string;
  readonly zone: string;
  readonly rack: string;
  readonly usage: DiskUsage;
}

/** What a node that was removed is told when it comes back. */
export function removedError(nodeId: NodeId): CairnError {
  return new CairnError(
    "nodeRemoved",
    `node ${nodeId} was removed from the cluster and its copies no longer count: stop it, and start it with an empty data folder to have it join as a new one`,
  );
}

/** Whether the node is registered with this place. */
export function isAt(
  row: NodeRow,
  place: Pick<Membership, "address" | "grpcAddress" | "zone" | "rack">,
): boolean {
  return (
    row.address === place.address &&
    row.grpcAddress === place.grpcAddress &&
    row.zone === place.zone &&
    row.rack === place.rack
  );
}
