import type { ChunkId } from "@cairnfs/protocol/chunk-id";

/** What a node found when it read its copy of a chunk. */
export type ReplicaFinding = "intact" | "corrupt" | "missing";

/** How a report of a bad replica is checked before it is believed. */
export interface ReplicaVerifier {
  /** Has the node read its whole copy. Rejects when the node cannot be asked. */
  verify(
    replica: { readonly nodeNumber: number; readonly chunkId: ChunkId },
    signal: AbortSignal,
  ): Promise<ReplicaFinding>;
}
