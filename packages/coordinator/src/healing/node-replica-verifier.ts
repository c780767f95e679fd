import { CairnError } from "@cairnfs/base/errors";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { VerifyOutcome } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import type {
  ReplicaFinding,
  ReplicaToVerify,
  ReplicaVerifier,
} from "../chunks/replica-verifier.ts";
import type { NodeCalls } from "./node-calls.ts";

/** A busy disk reads slowly; one that reads slower than this has failed. */
const RATE_BYTES_PER_MS_MIN = 4096;
const VERIFY_TIMEOUT_MS = 15_000;

/** Has nodes read their own copies. */
export class NodeReplicaVerifier implements ReplicaVerifier {
  readonly #calls: NodeCalls;

  constructor(calls: NodeCalls) {
    this.#calls = calls;
  }

  async verify(
    { nodeNumber, chunkId, lengthBytes }: ReplicaToVerify,
    signal: AbortSignal,
  ): Promise<ReplicaFinding> {
    const { outcome } = await this.#calls
      .to(nodeNumber)
      .verifyChunk(
        { chunkId: chunkIdToBytes(chunkId) },
        { signal, timeoutMs: VERIFY_TIMEOUT_MS + lengthBytes / RATE_BYTES_PER_MS_MIN },
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
          `node ${nodeNumber} found the outcome ${outcome}, expected 1, 2 or 3`,
        );
    }
  }
}
