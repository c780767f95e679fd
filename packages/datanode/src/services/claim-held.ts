import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ChunkStore, StoredChunkInfo } from "../store/chunk-store.ts";

/** Claims a copy for an epoch, durably; what was known of it before, or undefined when it is not held where chunks of its length are. */
export async function claimHeld(
  {
    chunkId,
    epoch,
    lengthBytes,
  }: {
    readonly chunkId: ChunkId;
    readonly epoch: number;
    /** When it is known. */
    readonly lengthBytes?: number | undefined;
  },
  store: ChunkStore,
): Promise<StoredChunkInfo | undefined> {
  const info = await store.info(chunkId, lengthBytes);
  if (info === undefined) return undefined;
  return (await store.claim(chunkId, epoch)) ? info : undefined;
}
