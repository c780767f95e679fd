import type { MessageInitShape } from "@bufbuild/protobuf";
import { sha256 } from "@cairnfs/base/checksum";
import { CairnError } from "@cairnfs/base/errors";
import {
  type ChunkId,
  chunkIdFromBytes,
  chunkIdToBytes,
  FRAME_DATA_BYTES_MAX,
} from "@cairnfs/protocol/chunk-id";
import type {
  PutChunkRequest,
  PutChunkResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { releaseReceived } from "@cairnfs/protocol/rpc/receive-buffers";
import type { Call } from "@cairnfs/protocol/rpc/service";
import { replicateWhole } from "../replication/replicate-whole.ts";
import { parseStoreOpen, type StoreRequest } from "../replication/store-request.ts";
import { receiptsOfHeld } from "./receipts-of-held.ts";
import { replicationParts, type StoreChunkParts } from "./store-chunk.ts";

type PutChunkResponseInit = MessageInitShape<typeof PutChunkResponseSchema>;

/**
 * Stores a chunk that came in one message, here and on the replicas it names. Answers when all of them hold it durably, or when
 * the write quorum does and the others had their time.
 */
export async function putChunk(
  request: PutChunkRequest,
  call: Call,
  parts: StoreChunkParts,
): Promise<PutChunkResponseInit> {
  const { link, health, config } = parts;
  const membership = link.requireMembership();
  const { data, blockChecksums, replicaNodes } = request;
  const terms = parseRequest(request, membership.nodeNumber);
  const id = chunkIdFromBytes(request.chunkId);
  const peer = (nodeNumber: number) => parts.peer(nodeNumber, replicaNodes);

  const held = await receiptsOfHeld(terms, membership, call, { ...parts, peer });
  if (held !== undefined) {
    releaseReceived(data);
    return { result: held };
  }

  health.refuseUnlessWritable();
  const replication = replicationParts(terms, membership, parts);
  const complete = { chunkId: id, lengthBytes: data.byteLength };
  const isProven = terms.isIdVerified && replication.proofs.isValid(complete, request.forwardMac);
  if (!isProven) checkId(id, data);
  const kind = terms.replicaNodeNumbers.length === 0 ? "forwarded" : "own";
  const ticket = parts.admission.enter(kind, data.byteLength, call);
  try {
    if (ticket.isWaiting) await ticket.admitted;
    const chunk = { id, epoch: terms.epoch, data, blockChecksums };
    const put = { ...terms, chunk };
    const result = await replicateWhole(put, call, {
      ...replication,
      options: config,
      replica: peer,
    });
    // A call to a replica that failed may have left the bytes on their way out.
    if (result.failures.length === 0) releaseReceived(data);
    return { result: { ...result, chunkId: chunkIdToBytes(id) } };
  } catch (error) {
    health.note(error);
    throw error;
  } finally {
    ticket.release();
  }
}

function parseRequest(request: PutChunkRequest, ownNodeNumber: number): StoreRequest {
  const { byteLength } = request.data;
  if (byteLength < 1 || byteLength > FRAME_DATA_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `data has ${byteLength} bytes, expected 1 to ${FRAME_DATA_BYTES_MAX}`,
    );
  }
  const lengthBytes = BigInt(byteLength);
  return parseStoreOpen({ ...request, lengthBytes, lengthLimitBytes: lengthBytes }, ownNodeNumber);
}

function checkId(id: ChunkId, data: Uint8Array): void {
  const actual = chunkIdFromBytes(sha256(data));
  if (actual === id) return;
  throw new CairnError("chunkMismatch", `the bytes are those of chunk ${actual}, not ${id}`);
}
