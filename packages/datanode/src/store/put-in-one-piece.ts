import type { ChunkStore, StoredChunkInfo, WholeChunk } from "./chunk-store.ts";

/** Puts a chunk that is in memory by way of a writer. */
export async function putInOnePiece(
  store: Pick<ChunkStore, "put">,
  { id, epoch, data, blockChecksums }: WholeChunk,
): Promise<StoredChunkInfo> {
  const lengthLimitBytes = data.byteLength;
  const writer = await store.put({ lengthLimitBytes, epoch, isIdVerified: true });
  try {
    await writer.write({ data, blockChecksums });
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return writer.commit(id);
}
