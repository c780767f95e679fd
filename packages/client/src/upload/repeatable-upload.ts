import { createSha256, sha256 } from "@cairnfs/base/checksum";
import { type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import type { RepeatableSource } from "./source.ts";
import type { UploadedChunk } from "./store-with-failover.ts";
import { bufferedChunkBytes, SLICE_BYTES, SLICED_CHUNK_BYTES } from "./upload-memory.ts";
import type { UploadRun } from "./upload-run.ts";

interface ChunkSpan {
  readonly index: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/**
 * Adds the chunks of a source that can be read again; resolves with its size. Chunks are hashed in order and looked for before
 * they are sent; small ones are kept in memory between the two, large ones are read twice.
 */
export async function addRepeatable(run: UploadRun, source: RepeatableSource): Promise<number> {
  const { sizeBytes } = source;
  const { chunkSizeBytes } = run.session;
  const chunkCount = Math.ceil(sizeBytes / chunkSizeBytes);
  run.chunkCount = chunkCount;
  if (chunkCount !== 1) run.startFileHash();
  for (let index = 0; index < chunkCount; index++) {
    const offsetBytes = index * chunkSizeBytes;
    const lengthBytes = Math.min(chunkSizeBytes, sizeBytes - offsetBytes);
    await addChunk(run, source, { index, offsetBytes, lengthBytes });
  }
  return sizeBytes;
}

async function addChunk(run: UploadRun, source: RepeatableSource, span: ChunkSpan): Promise<void> {
  const { index, lengthBytes } = span;
  const isSmall = lengthBytes <= bufferedChunkBytes(run.parts.config.memoryBytes);
  const isBuffered = isSmall && !source.isInMemory;
  const giveBack = await run.memory(memoryOf(source, isBuffered, lengthBytes));
  const { buffers } = run.parts;
  const isFull = isBuffered && lengthBytes === run.session.chunkSizeBytes;
  const buffer = isFull ? buffers.take(lengthBytes) : undefined;
  const bytes = isBuffered ? await source.read(span.offsetBytes, lengthBytes, buffer) : undefined;
  let isLingering = false;
  const id = await hashChunk(run, source, span, bytes);
  if (run.chunkCount === 1) run.isOneChunk(id);
  const chunk = {
    index,
    id,
    lengthBytes,
    lengthLimitBytes: lengthBytes,
    isReadable: always,
    onLingering: () => {
      isLingering = true;
    },
    pieces: () => (bytes === undefined ? slices(source, span) : single(bytes)),
  };
  await run.add(index, async () => {
    let uploaded: UploadedChunk;
    try {
      uploaded = await run.place(chunk);
      if (buffer !== undefined && !isLingering) buffers.give(buffer);
    } finally {
      giveBack();
    }
    const storeAgain = () => run.store({ ...chunk, pieces: () => slices(source, span) });
    return { uploaded, storeAgain, added: () => undefined };
  });
}

function memoryOf(source: RepeatableSource, isBuffered: boolean, lengthBytes: number): number {
  if (source.isInMemory) return 0;
  return isBuffered ? lengthBytes : SLICED_CHUNK_BYTES;
}

async function hashChunk(
  run: UploadRun,
  source: RepeatableSource,
  span: ChunkSpan,
  bytes: Uint8Array | undefined,
): Promise<ChunkId> {
  if (bytes !== undefined) {
    run.hashFile(bytes);
    return chunkIdFromBytes(sha256(bytes));
  }
  const hash = createSha256();
  for await (const slice of slices(source, span)) {
    run.signal.throwIfAborted();
    hash.update(slice);
    run.hashFile(slice);
    // Memory is read without waiting: others get their turn between slices.
    if (source.isInMemory) await new Promise((resolve) => setImmediate(resolve));
  }
  return chunkIdFromBytes(hash.digest());
}

async function* slices(
  source: RepeatableSource,
  { offsetBytes, lengthBytes }: ChunkSpan,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < lengthBytes; at += SLICE_BYTES) {
    yield await source.read(offsetBytes + at, Math.min(SLICE_BYTES, lengthBytes - at));
  }
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const always = () => true;
