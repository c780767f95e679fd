/** Pieces that large chunks are hashed and sent in. */
export const SLICE_BYTES = 2 * 1024 * 1024;
/** What a chunk that is sent in slices holds in memory. */
export const SLICED_CHUNK_BYTES = 3 * SLICE_BYTES;
/** Chunks up to this size are kept in memory while they are stored. */
const BUFFERED_CHUNK_BYTES_MAX = 16 * 1024 * 1024;

/** The largest chunk that a client with this much memory for uploads keeps in memory: several fit at once. */
export function bufferedChunkBytes(memoryBytes: number): number {
  return Math.min(BUFFERED_CHUNK_BYTES_MAX, 2 ** Math.floor(Math.log2(memoryBytes / 2)));
}
