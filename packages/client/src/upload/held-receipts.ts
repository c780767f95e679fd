import { CairnError } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { Receipt } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type { Placement } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { UploadedChunk } from "./store-with-failover.ts";
import type { UploadParts, UploadSession } from "./upload-parts.ts";

const ANSWER_WITHIN_MS = 5_000;

export interface HeldQuestion {
  readonly placement: Placement;
  readonly session: UploadSession;
  readonly id: ChunkId;
  readonly lengthBytes: number;
  readonly signal: AbortSignal;
}

/** The chunk with receipts, when a write quorum of its placement's nodes holds it already; else `undefined`. */
export async function heldReceipts(
  parts: UploadParts,
  question: HeldQuestion,
): Promise<UploadedChunk | undefined> {
  const { placement, session, id, lengthBytes } = question;
  const answers = await Promise.all(
    placement.nodeNumbers.map((nodeNumber) => askNode(parts, nodeNumber, question)),
  );
  const receipts = answers.flatMap((receipt) => receipt ?? []);
  if (receipts.length < session.writeQuorum) return undefined;
  return {
    chunkId: chunkIdToBytes(id),
    lengthBytes: BigInt(lengthBytes),
    receipts,
    epoch: placement.epoch,
  };
}

async function askNode(
  parts: UploadParts,
  nodeNumber: number,
  { placement, session, id, lengthBytes, signal }: HeldQuestion,
): Promise<Receipt | undefined> {
  try {
    const node = await parts.nodes.get(nodeNumber, signal);
    const reply = await parts
      .connect(node)
      .hasChunks(
        { chunkIds: [chunkIdToBytes(id)], sessionId: session.id, epoch: placement.epoch },
        { signal, timeoutMs: ANSWER_WITHIN_MS },
      );
    const [held] = reply.chunks;
    const isThere = held?.isHeld === true && held.lengthBytes === BigInt(lengthBytes);
    return isThere ? held.receipt : undefined;
  } catch (error) {
    signal.throwIfAborted();
    // A node that does not answer has nothing we know of: the chunk is sent again.
    if (error instanceof CairnError) return undefined;
    throw error;
  }
}
