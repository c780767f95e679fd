import { CairnError } from "@cairnfs/base/errors";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { StoreChunkResult } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type { ReceiptInit } from "./acknowledgements.ts";
import type { CompleteChunk } from "./forward-proofs.ts";

/** The replica's own receipt in its result; `protocolViolation` when that is for another chunk, or when it gave none. */
export function receiptFrom(
  result: StoreChunkResult | undefined,
  nodeNumber: number,
  chunk: CompleteChunk | undefined,
): ReceiptInit {
  const receipt = result?.receipts.find((candidate) => candidate.nodeNumber === nodeNumber);
  const isSameChunk =
    result !== undefined &&
    chunk !== undefined &&
    result.lengthBytes === BigInt(chunk.lengthBytes) &&
    Buffer.compare(result.chunkId, chunkIdToBytes(chunk.chunkId)) === 0;
  if (receipt !== undefined && isSameChunk) return receipt;
  throw new CairnError(
    "protocolViolation",
    "the replica's result is not for the chunk it was sent",
  );
}
