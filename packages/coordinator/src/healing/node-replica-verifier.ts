import { CairnError } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { VerifyOutcome } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type { ReplicaFinding, ReplicaVerifier } from "../chunks/replica-verifier.ts";
import type { NodeCalls } from "./node-calls.ts";

/** Reading half a gigabyte from a slow disk takes minutes. */
const VERIFY_TIMEOUT_MS = 300_000;

/** Has nodes read their own copies. */
export class NodeReplicaVerifier implements ReplicaVerifier {
  readonly #calls: NodeCalls;

  constructor(calls: NodeCalls) {
    this.#calls = calls;
  }

  async verify(
    replica: { readonly nodeNumber: number; readonly chunkId: ChunkId },
    signal: AbortSignal,
  ): Promise<ReplicaFinding> {
    const { outcome } = await this.#calls
      .to(replica.nodeNumber)
      .verifyChunk(
        { chunkId: chunkIdToBytes(replica.chunkId) },
        { signal, timeoutMs: VERIFY_TIMEOUT_MS },
      );
    switch (outcome) {
      case VerifyOutcome.INTACT:
        return "intact";
      case VerifyOutcome.CORRUPT:
        return "corrupt";
      case VerifyOutcome.MISSING:
        return "missing";
      default:
        throw new CairnError(
          "protocolViolation",
          `node ${replica.nodeNumber} found the outcome ${outcome}, expected 1, 2 or 3`,
        );
    }
  }
}
