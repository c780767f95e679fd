import type { ChunkId } from "@cairnfs/protocol/chunk-id";

/** A copy of a chunk: which, and where. */
export interface Replica {
  readonly chunkId: ChunkId;
  readonly nodeNumber: number;
}

/** The same text for the same copy, and for no other. */
export function replicaKey({ chunkId, nodeNumber }: Replica): string {
  return `${chunkId}/${nodeNumber}`;
}
