import { CairnError } from "@cairnfs/base/errors";
import { CHUNK_BYTES_MAX, type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import type { StoreChunkOpen, StoreChunkRequest } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { SESSION_ID_BYTES } from "@cairnfs/protocol/receipt";
import { numberFromUint64 } from "@cairnfs/protocol/uint64";
import { EPOCH_MAX } from "../store/chunk-store.ts";

/** The most copies of one chunk, the primary's own counted. */
const COPIES_MAX = 16;

/** The opening of a StoreChunk stream, checked. */
export interface StoreRequest {
  readonly sessionId: Uint8Array;
  /** Undefined when the id comes with the frames. */
  readonly chunkId: ChunkId | undefined;
  /** Undefined when the length is known at the end only. */
  readonly lengthBytes: number | undefined;
  readonly lengthLimitBytes: number;
  readonly epoch: number;
  readonly writeQuorum: number;
  readonly replicaNodeNumbers: readonly number[];
  /** The sender compares the SHA-256 itself before it sends the final frame. */
  readonly isIdVerified: boolean;
}

/** The open that a stream must begin with; anything else is refused as `invalidArgument`. */
export function openingOf(message: StoreChunkRequest | undefined): StoreChunkOpen {
  if (message?.step.case !== "open") refuse("the first message is no open");
  return message.step.value;
}

/** What a request to store says of the chunk and its copies. */
export type StoreTerms = Omit<StoreChunkOpen, "$typeName" | "$unknown" | "replicaNodes">;

/** Checks each field; what is out of its limits is refused as `invalidArgument` with what was expected. */
export function parseStoreOpen(open: StoreTerms, ownNodeNumber: number): StoreRequest {
  const lengthBytes = numberFromUint64(open.lengthBytes, "length_bytes");
  const lengthLimitBytes = numberFromUint64(open.lengthLimitBytes, "length_limit_bytes");
  const replicaNodeNumbers = open.replicaNodeNumbers;
  checkSessionId(open.sessionId);
  if (lengthBytes > CHUNK_BYTES_MAX) {
    refuse(`length_bytes is ${lengthBytes}, expected at most ${CHUNK_BYTES_MAX}`);
  }
  if (lengthLimitBytes < Math.max(1, lengthBytes) || lengthLimitBytes > CHUNK_BYTES_MAX) {
    refuse(
      `length_limit_bytes is ${lengthLimitBytes}, expected ${Math.max(1, lengthBytes)} to ${CHUNK_BYTES_MAX}`,
    );
  }
  if (replicaNodeNumbers.length >= COPIES_MAX) {
    refuse(`${replicaNodeNumbers.length} replicas are named, expected at most ${COPIES_MAX - 1}`);
  }
  const copies = new Set([ownNodeNumber, ...replicaNodeNumbers]).size;
  if (copies !== replicaNodeNumbers.length + 1) {
    refuse(`a node is named twice among ${ownNodeNumber}, ${replicaNodeNumbers.join(", ")}`);
  }
  if (open.writeQuorum < 1 || open.writeQuorum > copies) {
    refuse(`write_quorum is ${open.writeQuorum}, expected 1 to ${copies}`);
  }
  return {
    sessionId: open.sessionId,
    chunkId: open.chunkId.byteLength === 0 ? undefined : chunkIdFromBytes(open.chunkId),
    lengthBytes: lengthBytes === 0 ? undefined : lengthBytes,
    lengthLimitBytes,
    epoch: parseEpoch(open.epoch),
    writeQuorum: open.writeQuorum,
    replicaNodeNumbers,
    isIdVerified: open.isIdVerified,
  };
}

/** Refuses a session id that has not 16 bytes. */
export function checkSessionId(sessionId: Uint8Array): void {
  if (sessionId.byteLength === SESSION_ID_BYTES) return;
  refuse(`a session id has ${SESSION_ID_BYTES} bytes, not ${sessionId.byteLength}`);
}

/** The epoch of a request, in which a copy is stored or claimed. */
export function parseEpoch(value: bigint): number {
  const epoch = numberFromUint64(value, "epoch");
  if (epoch > EPOCH_MAX) refuse(`epoch is ${epoch}, expected at most ${EPOCH_MAX}`);
  return epoch;
}

function refuse(message: string): never {
  throw new CairnError("invalidArgument", message);
}
