import { CairnError } from "@cairnfs/base/errors";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { makeReceipt } from "@cairnfs/protocol/receipt";
import type { ReceiptInit } from "../replication/acknowledgements.ts";

/** What the coordinator made of this node when it registered. */
export interface Membership {
  readonly nodeNumber: number;
  readonly clusterId: Uint8Array;
  readonly receiptKey: Uint8Array;
  /** With which the nodes of the cluster know each other; empty when the coordinator gave none. */
  readonly forwardKey: Uint8Array;
}

/** The node's proof that it holds a chunk, bound to a session and an epoch. */
export function receiptOf(
  membership: Membership,
  fields: {
    readonly sessionId: Uint8Array;
    readonly chunkId: ChunkId;
    readonly lengthBytes: number;
    readonly epoch: number;
  },
): ReceiptInit {
  const { nodeNumber, receiptKey } = membership;
  return { nodeNumber, mac: makeReceipt(receiptKey, { ...fields, nodeNumber }) };
}

/** The refusal of what only a member can do. */
export function notAMember(): CairnError {
  return new CairnError("nodeNotReady", "this node has not joined the cluster yet");
}
