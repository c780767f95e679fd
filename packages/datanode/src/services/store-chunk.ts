import type { Clock } from "@cairnfs/base/clock";
import type { CairnError } from "@cairnfs/base/errors";
import type { Counter, Logger } from "@cairnfs/base/telemetry";
import type { Node } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type {
  DataNodeService,
  StoreChunkRequest,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import type { Call } from "@cairnfs/protocol/rpc/service";
import { WINDOW_BYTES_DEFAULT } from "@cairnfs/protocol/transfer/chunk-sender";
import type { CoordinatorLink } from "../cluster/coordinator-link.ts";
import type { DiskHealth } from "../cluster/disk-health.ts";
import { type Membership, receiptOf } from "../cluster/membership.ts";
import type { DatanodeConfig } from "../config.ts";
import { type CompleteChunk, ForwardProofs } from "../replication/forward-proofs.ts";
import { replicatePut, type StoreChunkResponseInit } from "../replication/replicate-put.ts";
import { openingOf, parseStoreOpen, type StoreRequest } from "../replication/store-request.ts";
import type { ChunkStore } from "../store/chunk-store.ts";
import type { Admission } from "./admission.ts";
import { firstMessage } from "./first-message.ts";
import { receiptsOfHeld } from "./receipts-of-held.ts";

/** How far a sender may be ahead of the slowest copy. */
const WINDOW_BYTES = WINDOW_BYTES_DEFAULT;

export interface StoreChunkParts {
  readonly store: ChunkStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: DatanodeConfig;
  readonly link: CoordinatorLink;
  readonly health: DiskHealth;
  readonly admission: Admission;
  readonly replicasLost: Counter;
  /** A client for another node, found by the node table or the hints; throws `nodeNotFound`. */
  readonly peer: (
    nodeNumber: number,
    hints: readonly Node[],
  ) => ServiceClient<typeof DataNodeService>;
  /** Whether the node table has a node. */
  readonly isMember: (nodeNumber: number) => boolean;
}

/** What a put is carried out with, whichever way its bytes come. */
export function replicationParts(
  { sessionId, epoch }: StoreRequest,
  membership: Membership,
  { store, clock, logger, replicasLost, isMember }: StoreChunkParts,
) {
  const { forwardKey, nodeNumber: ownNodeNumber } = membership;
  return {
    store,
    clock,
    ownNodeNumber,
    proofs: new ForwardProofs({ forwardKey, ownNodeNumber, sessionId, epoch, isMember }),
    receiptFor: (chunk: CompleteChunk) => receiptOf(membership, { ...chunk, sessionId, epoch }),
    onReplicaLost: (nodeNumber: number, error: CairnError) => {
      logger.warn("a replica does not take a chunk", { nodeNumber }, error);
      replicasLost.add(1, { reason: error.reason });
    },
  };
}

/**
 * Stores one chunk here and on the replicas its open names. Answers at once when all of them hold it; waits for memory,
 * telling the sender so, while other streams have it.
 */
export async function* serveStore(
  requests: AsyncIterable<StoreChunkRequest>,
  call: Call,
  parts: StoreChunkParts,
): AsyncGenerator<StoreChunkResponseInit, void, undefined> {
  const { link, health, config } = parts;
  const membership = link.requireMembership();
  const messages = requests[Symbol.asyncIterator]();
  const open = openingOf(await firstMessage(messages, parts.clock, config.receiveStallMs));
  const request = parseStoreOpen(open, membership.nodeNumber);
  const peer = (nodeNumber: number) => parts.peer(nodeNumber, open.replicaNodes);

  const receipts = await receiptsOfHeld(request, membership, call, { ...parts, peer });
  if (receipts !== undefined) {
    const { chunkId, lengthBytes } = receipts;
    const value = { chunkId, lengthBytes, receipts: receipts.receipts };
    yield { step: { case: "result", value } };
    return;
  }

  health.refuseUnlessWritable();
  const kind = request.replicaNodeNumbers.length === 0 ? "forwarded" : "own";
  const sizeBytes = Math.min(WINDOW_BYTES, request.lengthLimitBytes);
  const ticket = parts.admission.enter(kind, sizeBytes, call);
  try {
    if (ticket.isWaiting) {
      yield { step: { case: "ack", value: { bytesReceived: 0n, readyForNext: false } } };
      await ticket.admitted;
      yield { step: { case: "ack", value: { bytesReceived: 0n, readyForNext: true } } };
    }
    yield* replicatePut(request, messages, call, {
      ...replicationParts(request, membership, parts),
      options: { ...config, windowBytes: WINDOW_BYTES },
      replica: peer,
    });
  } catch (error) {
    health.note(error);
    throw error;
  } finally {
    ticket.release();
  }
}
