import { create } from "@bufbuild/protobuf";
import type { Sha256 } from "@cairnfs/base/checksum";
import { CairnError } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import {
  type ChunkDataStream,
  type StoreChunkRequest,
  StoreChunkRequestSchema,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { isForwardMacValid, makeForwardMac } from "@cairnfs/protocol/receipt";
import type { StoreRequest } from "./store-request.ts";

const NO_PROOF = new Uint8Array(0);

/** Of a chunk that is complete. */
export interface CompleteChunk {
  readonly chunkId: ChunkId;
  readonly lengthBytes: number;
}

export interface ForwardProofsOptions {
  /** Of the cluster; empty when the coordinator gave this node none yet. */
  readonly forwardKey: Uint8Array;
  readonly ownNodeNumber: number;
  readonly sessionId: Uint8Array;
  readonly epoch: number;
  /** Whether the coordinator named this node, and not the client. */
  readonly isMember: (nodeNumber: number) => boolean;
}

/** What nodes of a cluster believe each other about the id of a chunk that is being put, and clients cannot say. */
export class ForwardProofs {
  readonly #options: ForwardProofsOptions;
  readonly #isTold = new Map<number, boolean>();

  constructor(options: ForwardProofsOptions) {
    this.#options = options;
  }

  /** Whether this node can tell right proofs from wrong ones. */
  get canCheck(): boolean {
    return this.#options.forwardKey.byteLength > 0;
  }

  /**
   * Whether a node gets proofs of this put; the answer stays. An address that a client named could be the client's own: it gets
   * none, so that nobody can pass them on with other bytes.
   */
  canProveTo(nodeNumber: number): boolean {
    let isTold = this.#isTold.get(nodeNumber);
    if (isTold === undefined) {
      isTold = this.canCheck && this.#options.isMember(nodeNumber);
      this.#isTold.set(nodeNumber, isTold);
    }
    return isTold;
  }

  /** The proof for a node that this one compared the chunk's bytes with its id; empty for one that gets none. */
  make(nodeNumber: number, chunk: CompleteChunk): Uint8Array {
    if (!this.canProveTo(nodeNumber)) return NO_PROOF;
    const { forwardKey, sessionId, epoch } = this.#options;
    return makeForwardMac(forwardKey, { ...chunk, sessionId, epoch, nodeNumber });
  }

  /** Whether the sender of a chunk proves that it is of this cluster and compared the bytes with the id. */
  isValid(chunk: CompleteChunk, mac: Uint8Array): boolean {
    const { forwardKey, sessionId, epoch, ownNodeNumber } = this.#options;
    if (!this.canCheck) return false;
    const fields = { ...chunk, sessionId, epoch, nodeNumber: ownNodeNumber };
    return isForwardMacValid(forwardKey, fields, mac);
  }

  /** Refuses bytes that are not the id's: by their hash, or, when the sender was to compare it, by the proof that it did. */
  checkId(chunk: CompleteChunk, hash: Sha256 | undefined, mac: Uint8Array): void {
    const { chunkId } = chunk;
    if (hash === undefined) {
      if (this.isValid(chunk, mac)) return;
      const message = `nothing proves that the bytes were compared with id ${chunkId}`;
      throw new CairnError("chunkMismatch", message);
    }
    const actual = chunkIdFromBytes(hash.digest());
    if (actual === chunkId) return;
    throw new CairnError("chunkMismatch", `the bytes are those of chunk ${actual}, not ${chunkId}`);
  }

  /** The final frame of a chunk as it came, with the proof for the node that gets it. */
  provenFrame(frame: ChunkDataStream, nodeNumber: number, chunk: CompleteChunk): StoreChunkRequest {
    const value = { ...frame, forwardMac: this.make(nodeNumber, chunk) };
    return create(StoreChunkRequestSchema, { step: { case: "data", value } });
  }
}

/** The open of a stream that is passed on. */
export function forwardedOpen(request: StoreRequest, isIdVerified: boolean): StoreChunkRequest {
  const { sessionId, chunkId, lengthBytes, lengthLimitBytes, epoch } = request;
  return create(StoreChunkRequestSchema, {
    step: {
      case: "open",
      value: {
        sessionId,
        chunkId: chunkId === undefined ? new Uint8Array(0) : chunkIdToBytes(chunkId),
        lengthBytes: BigInt(lengthBytes ?? 0),
        lengthLimitBytes: BigInt(lengthLimitBytes),
        writeQuorum: 1,
        epoch: BigInt(epoch),
        isIdVerified,
      },
    },
  });
}
