import type { Clock } from "@cairnfs/base/clock";
import type { CairnError } from "@cairnfs/base/errors";
import type { DataNodeService } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import type { ChunkStore } from "../store/chunk-store.ts";
import type { ReceiptInit } from "./acknowledgements.ts";
import type { CompleteChunk, ForwardProofs } from "./forward-proofs.ts";

/** How patient the first node of a put is, and how far it runs ahead. */
export interface ReplicatePutOptions {
  /** How far the slowest copy may be behind what was received. */
  readonly windowBytes: number;
  readonly replicaStallMs: number;
  readonly replicaCommitMs: number;
  readonly replicaGraceMs: number;
  readonly receiveStallMs: number;
}

/** What storing a chunk here and on replicas works with. */
export interface ReplicatePutParts {
  readonly store: ChunkStore;
  readonly clock: Clock;
  readonly options: ReplicatePutOptions;
  readonly ownNodeNumber: number;
  /** A client for a replica; throws a CairnError when nobody knows where it is. */
  readonly replica: (
    nodeNumber: number,
  ) => Pick<ServiceClient<typeof DataNodeService>, "storeChunk">;
  readonly proofs: ForwardProofs;
  readonly receiptFor: (chunk: CompleteChunk) => ReceiptInit;
  /** Told of each replica that will not have the copy. */
  readonly onReplicaLost: (nodeNumber: number, error: CairnError) => void;
}
