import type { ChunkId } from "@cairnfs/protocol/chunk-id";

/** How the collector reaches the nodes. */
export interface ChunkDeleter {
  /**
   * Has the node delete its copies of these chunks (at most 1,000) that were stored in an epoch up to `epochMax`;
   * one answer for each id, in order: whether no copy from before the fence is there any more. A node that is no
   * member any more holds nothing: all true. Rejects when the node cannot be reached.
   */
  deleteChunks(
    request: {
      readonly nodeNumber: number;
      readonly chunkIds: readonly ChunkId[];
      readonly epochMax: number;
    },
    signal: AbortSignal,
  ): Promise<readonly boolean[]>;
}
