import { crc32c, sha256 } from "@cairnfs/base/checksum";
import { Prng } from "@cairnfs/base/random";
import { BLOCK_BYTES, type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { PIECE_BYTES_MAX } from "../block-range.ts";
import type { ChunkPiece, ChunkStore, StoredChunkInfo } from "../chunk-store.ts";

/** A chunk for tests: bytes and the id that is theirs. */
export interface SampleChunk {
  readonly id: ChunkId;
  readonly bytes: Uint8Array;
}

/** A chunk of so many bytes; the same seed gives the same. */
export function sampleChunk(sizeBytes: number, seed = 1): SampleChunk {
  const random = new Prng(seed);
  const bytes = new Uint8Array(sizeBytes);
  const words = new Uint32Array(bytes.buffer, 0, Math.floor(sizeBytes / 4));
  for (let at = 0; at < words.length; at++) words[at] = random.next() * 2 ** 32;
  for (let at = words.length * 4; at < sizeBytes; at++) bytes[at] = random.next() * 256;
  return { id: chunkIdFromBytes(sha256(bytes)), bytes };
}

/** A piece with its true checksums. */
export function pieceOf(data: Uint8Array): ChunkPiece {
  const blockChecksums: number[] = [];
  for (let at = 0; at < data.byteLength; at += BLOCK_BYTES) {
    blockChecksums.push(crc32c(data.subarray(at, at + BLOCK_BYTES)));
  }
  return { data, blockChecksums };
}

/** Cuts bytes as a sender does. */
export function* piecesFrom(
  bytes: Uint8Array,
  pieceBytes = PIECE_BYTES_MAX,
): Generator<ChunkPiece> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    yield pieceOf(bytes.subarray(at, at + pieceBytes));
  }
}

/** Stores a chunk whole. */
export async function putChunk(
  store: ChunkStore,
  { id, bytes }: SampleChunk,
  options: { readonly epoch?: number; readonly lengthLimitBytes?: number } = {},
): Promise<StoredChunkInfo> {
  const writer = await store.put({
    lengthLimitBytes: options.lengthLimitBytes ?? bytes.byteLength,
    epoch: options.epoch ?? 1,
  });
  try {
    for (const piece of piecesFrom(bytes)) await writer.write(piece);
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return writer.commit(id);
}

/** Reads a range and checks each block against the checksum that came with it. */
export async function readRange(
  store: ChunkStore,
  id: ChunkId,
  range: { readonly offsetBytes: number; readonly lengthBytes: number },
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const { data, blockChecksums } of store.read(id, range)) {
    const actual = pieceOf(data).blockChecksums;
    if (actual.join() !== blockChecksums.join()) throw new Error(`a block of ${id} is corrupt`);
    parts.push(data);
  }
  return Buffer.concat(parts);
}

/** Reads all of a chunk. */
export function readChunk(store: ChunkStore, { id, bytes }: SampleChunk): Promise<Uint8Array> {
  return readRange(store, id, { offsetBytes: 0, lengthBytes: bytes.byteLength });
}
