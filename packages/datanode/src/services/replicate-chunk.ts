import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { CHUNK_BYTES_MAX, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import type {
  ReplicateChunkRequest,
  ReplicateChunkResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { passedOn } from "@cairnfs/protocol/rpc/interceptor";
import type { Call } from "@cairnfs/protocol/rpc/service";
import { numberFromUint64 } from "@cairnfs/protocol/uint64";
import { receiptOf } from "../cluster/membership.ts";
import { type CopyChunkRequest, copyChunk } from "../replication/copy-chunk.ts";
import { checkSessionId, parseEpoch } from "../replication/store-request.ts";
import { claimHeld } from "./claim-held.ts";
import type { StoreChunkParts } from "./store-chunk.ts";

/** Has this node hold a chunk: claims the copy that is here and is intact, or fetches one from the sources in order. */
export async function replicateChunk(
  message: ReplicateChunkRequest,
  call: Call,
  parts: StoreChunkParts,
): Promise<MessageInitShape<typeof ReplicateChunkResponseSchema>> {
  const { store, clock, config, logger, link, health } = parts;
  const membership = link.requireMembership();
  const request = parseReplicateRequest(message, membership.nodeNumber);
  const { chunkId, lengthBytes, epoch } = request;
  // Claimed first, so that no deletion from before takes it away while it is read.
  const isClaimed = (await claimHeld(request, store))?.lengthBytes === lengthBytes;
  if (!isClaimed || (await store.verify(chunkId, call.signal)) !== "intact") {
    health.refuseUnlessWritable();
    const onSourceFailed = (nodeNumber: number, error: CairnError) => {
      logger.warn("a source did not give a chunk", { chunkId, nodeNumber }, error);
      // Best effort, and it does not reject.
      if (error.reason === "chunkCorrupt") void link.reportCorrupt(chunkId, nodeNumber);
    };
    await health.watch(() =>
      copyChunk(
        request,
        { signal: call.signal, metadata: passedOn(call) },
        {
          store,
          clock,
          stallMs: config.replicaStallMs,
          source: (nodeNumber) => parts.peer(nodeNumber, message.sourceNodes),
          onSourceFailed,
        },
      ),
    );
  }
  const { sessionId } = message;
  return { receipt: receiptOf(membership, { sessionId, chunkId, lengthBytes, epoch }) };
}

function parseReplicateRequest(
  message: ReplicateChunkRequest,
  ownNodeNumber: number,
): CopyChunkRequest {
  checkSessionId(message.sessionId);
  const lengthBytes = numberFromUint64(message.lengthBytes, "length_bytes");
  if (lengthBytes < 1 || lengthBytes > CHUNK_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `length_bytes is ${lengthBytes}, expected 1 to ${CHUNK_BYTES_MAX}`,
    );
  }
  const sourceNodeNumbers = message.sourceNodeNumbers.filter((number) => number !== ownNodeNumber);
  if (sourceNodeNumbers.length === 0) {
    throw new CairnError("invalidArgument", "no other node is named as a source");
  }
  return {
    chunkId: chunkIdFromBytes(message.chunkId),
    lengthBytes,
    sourceNodeNumbers,
    epoch: parseEpoch(message.epoch),
  };
}
