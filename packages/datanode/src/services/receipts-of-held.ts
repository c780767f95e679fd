import { CairnError } from "@cairnfs/base/errors";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { DataNodeService } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import { passedOn } from "@cairnfs/protocol/rpc/interceptor";
import type { Call } from "@cairnfs/protocol/rpc/service";
import { type Membership, receiptOf } from "../cluster/membership.ts";
import type { DatanodeConfig } from "../config.ts";
import type { ReceiptInit } from "../replication/acknowledgements.ts";
import type { StoreRequest } from "../replication/store-request.ts";
import type { ChunkStore } from "../store/chunk-store.ts";
import { claimHeld } from "./claim-held.ts";

interface HeldEverywhere {
  readonly chunkId: Uint8Array;
  readonly lengthBytes: bigint;
  readonly receipts: ReceiptInit[];
}

/** The receipts of all copies when each node of the plan holds the chunk, claimed for the request's epoch; else undefined. */
export async function receiptsOfHeld(
  { chunkId, epoch, sessionId, replicaNodeNumbers, lengthBytes: announced }: StoreRequest,
  membership: Membership,
  call: Call,
  parts: {
    readonly store: ChunkStore;
    readonly config: DatanodeConfig;
    readonly peer: (nodeNumber: number) => Pick<ServiceClient<typeof DataNodeService>, "hasChunks">;
  },
): Promise<HeldEverywhere | undefined> {
  if (chunkId === undefined) return undefined;
  // A copy of another length is not this chunk, whatever it is called: one is compared with what was announced, or with others.
  if (announced === undefined && replicaNodeNumbers.length === 0) return undefined;
  const info = await claimHeld({ chunkId, epoch, lengthBytes: announced }, parts.store);
  const lengthBytes = info?.lengthBytes;
  if (lengthBytes === undefined || lengthBytes !== (announced ?? lengthBytes)) return undefined;
  const wanted = { chunkIds: [chunkIdToBytes(chunkId)], sessionId, epoch: BigInt(epoch) };
  const timeoutMs = parts.config.replicaStallMs;
  const others = await Promise.all(
    replicaNodeNumbers.map(async (nodeNumber) => {
      try {
        const { chunks } = await parts
          .peer(nodeNumber)
          .hasChunks(wanted, { signal: call.signal, metadata: passedOn(call), timeoutMs });
        const [held] = chunks;
        return held?.lengthBytes === BigInt(lengthBytes) ? held.receipt : undefined;
      } catch (error) {
        // Whatever keeps it from answering: the chunk is stored the long way, which copes with it.
        if (error instanceof CairnError) return undefined;
        throw error;
      }
    }),
  );
  const receipts: ReceiptInit[] = [
    receiptOf(membership, { sessionId, chunkId, lengthBytes, epoch }),
  ];
  for (const receipt of others) {
    if (receipt === undefined) return undefined;
    receipts.push(receipt);
  }
  return { chunkId: chunkIdToBytes(chunkId), lengthBytes: BigInt(lengthBytes), receipts };
}
