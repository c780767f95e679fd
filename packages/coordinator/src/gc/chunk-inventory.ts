import type { ChunkId } from "@cairnfs/protocol/chunk-id";

/** A copy as the node that has it lists it. */
export interface StoredCopy {
  readonly chunkId: ChunkId;
  readonly epoch: number;
}

/** What nodes say they hold. */
export interface ChunkInventory {
  /** The numbers of the nodes that can be asked now. */
  nodeNumbers(): readonly number[];
  /**
   * The node's copies after `after` in the order of ids, at most `limit` (1 to 10,000); fewer when there are no more.
   * Rejects when the node cannot be asked.
   */
  list(
    page: {
      readonly nodeNumber: number;
      readonly after: ChunkId | undefined;
      readonly limit: number;
    },
    signal: AbortSignal,
  ): Promise<readonly StoredCopy[]>;
}
