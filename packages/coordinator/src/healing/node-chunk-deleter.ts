import { CairnError } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { ChunkDeleter } from "../gc/chunk-deleter.ts";
import type { NodeCalls } from "./node-calls.ts";

/** Deletes copies by asking the nodes that hold them. */
export class NodeChunkDeleter implements ChunkDeleter {
  readonly #calls: NodeCalls;

  constructor(calls: NodeCalls) {
    this.#calls = calls;
  }

  async deleteChunks(
    request: {
      readonly nodeNumber: number;
      readonly chunkIds: readonly ChunkId[];
      readonly epochMax: number;
    },
    signal: AbortSignal,
  ): Promise<readonly boolean[]> {
    const { nodeNumber, chunkIds, epochMax } = request;
    if (!this.#calls.isMember(nodeNumber)) return chunkIds.map(() => true);
    const { gone } = await this.#calls
      .to(nodeNumber)
      .deleteChunks(
        { chunkIds: chunkIds.map(chunkIdToBytes), epochMax: BigInt(epochMax) },
        { signal },
      );
    if (gone.length !== chunkIds.length) {
      throw new CairnError(
        "protocolViolation",
        `node ${nodeNumber} answered for ${gone.length} of ${chunkIds.length} chunks`,
      );
    }
    return gone;
  }
}
