import { CairnError } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import type { UploadedChunk as UploadedChunkMessage } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { isReceiptValid } from "@cairnfs/protocol/receipt";
import { wholeNumber } from "../namespace/whole-number.ts";
import type { PlacementSource } from "./placements.ts";

export const CHUNKS_PER_CALL_MAX = 4096;

/** A chunk as a client hands it over, its receipts checked. */
export interface UploadedChunk {
  readonly chunkId: ChunkId;
  readonly lengthBytes: number;
  readonly epoch: number;
  /** Nodes that proved to this session that they hold it; distinct. */
  readonly nodeNumbers: readonly number[];
}

/**
 * Chunks from the wire. A receipt that does not prove what it says is `receiptInvalid`; one of a node that has left
 * the cluster since proves nothing and is passed over.
 */
export function parseUploadedChunks(
  messages: readonly UploadedChunkMessage[],
  sessionId: Uint8Array,
  nodes: Pick<PlacementSource, "receiptKeyOf">,
): UploadedChunk[] {
  if (messages.length > CHUNKS_PER_CALL_MAX) {
    throw new CairnError(
      "invalidArgument",
      `a call has ${messages.length} chunks, expected at most ${CHUNKS_PER_CALL_MAX}`,
    );
  }
  return messages.map((message) => {
    const chunk = {
      chunkId: chunkIdFromBytes(message.chunkId),
      lengthBytes: wholeNumber(message.lengthBytes, "length_bytes"),
      epoch: wholeNumber(message.epoch, "epoch"),
    };
    const proven = new Set<number>();
    for (const { nodeNumber, mac } of message.receipts) {
      const key = nodes.receiptKeyOf(nodeNumber);
      if (key === undefined || proven.has(nodeNumber)) continue;
      if (!isReceiptValid(key, { sessionId, nodeNumber, ...chunk }, mac)) {
        throw new CairnError(
          "receiptInvalid",
          `the receipt of node ${nodeNumber} for chunk ${chunk.chunkId} is not its own`,
          { details: { nodeNumber, chunkId: chunk.chunkId } },
        );
      }
      proven.add(nodeNumber);
    }
    return { ...chunk, nodeNumbers: [...proven] };
  });
}
