import { createSha256, sha256 } from "@cairnfs/base/checksum";
import { CairnError } from "@cairnfs/base/errors";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import type { Chunker } from "./chunker.ts";
import { bufferedChunkBytes, SLICE_BYTES, SLICED_CHUNK_BYTES } from "./upload-memory.ts";
import type { UploadRun } from "./upload-run.ts";

/** Slices of a chunk that is sent while it comes because there was no memory for it. */
const SHORT_SLICE_BYTES = 256 * 1024;

/**
 * Adds the chunks of a source that comes once; resolves with the source's size. Chunks that fit in memory stay there until the content
 * has them, so that any failure of a node can be made good. Larger ones (only when the caller asked for such
 * chunks) are sent while they come, one at a time: a node that fails in the middle of one fails the upload. So are those for
 * which no memory comes free in the time that the caller has for that: others may hold it whose sources are slow.
 */
export async function addOneShot(
  run: UploadRun,
  chunker: Chunker,
  firstIndex = 0,
): Promise<number> {
  const { chunkSizeBytes } = run.session;
  const isBuffered = chunkSizeBytes <= bufferedChunkBytes(run.parts.config.memoryBytes);
  let sizeBytes = 0;
  for (let index = firstIndex; !(await chunker.isAtEnd(run.signal)); index++) {
    sizeBytes += isBuffered
      ? await addBuffered(run, chunker, { index, lengthBytes: nextLength(run, sizeBytes) })
      : await addPassing(run, chunker, index);
  }
  return sizeBytes;
}

/** How long the next chunk will be: whole, or what is left of a source whose size is known. */
function nextLength({ totalBytes, session }: UploadRun, doneBytes: number): number {
  const { chunkSizeBytes } = session;
  const leftBytes = (totalBytes ?? Number.POSITIVE_INFINITY) - doneBytes;
  // A source that is longer than it was said to be is refused in the end.
  return leftBytes > 0 ? Math.min(chunkSizeBytes, leftBytes) : chunkSizeBytes;
}

async function addBuffered(
  run: UploadRun,
  chunker: Chunker,
  { index, lengthBytes }: { readonly index: number; readonly lengthBytes: number },
): Promise<number> {
  const { chunkSizeBytes } = run.session;
  const giveBack = await run.memoryInTime(lengthBytes);
  if (giveBack === undefined) return addPassing(run, chunker, index, SHORT_SLICE_BYTES);
  const { buffers } = run.parts;
  const bytes = await chunker.take(lengthBytes, run.signal, {
    allocate: (sizeBytes) =>
      sizeBytes === chunkSizeBytes ? buffers.take(sizeBytes) : Buffer.allocUnsafeSlow(sizeBytes),
    ...(run.totalBytes !== undefined && { isExpected: true }),
  });
  let isLingering = false;
  const id = chunkIdFromBytes(sha256(bytes));
  if (index === 0) {
    if (await chunker.isAtEnd(run.signal)) {
      run.chunkCount = 1;
      run.isOneChunk(id);
    } else run.startFileHash();
  }
  run.hashFile(bytes);
  const chunk = {
    index,
    id,
    lengthBytes: bytes.byteLength,
    lengthLimitBytes: bytes.byteLength,
    isReadable: always,
    onLingering: () => {
      isLingering = true;
    },
    pieces: async function* () {
      yield bytes;
    },
  };
  await run.add(index, async () => ({
    uploaded: await run.place(chunk),
    storeAgain: () => run.store(chunk),
    added: () => {
      if (!isLingering && bytes.byteLength === chunkSizeBytes) buffers.give(bytes);
      giveBack();
    },
  }));
  return bytes.byteLength;
}

async function addPassing(
  run: UploadRun,
  chunker: Chunker,
  index: number,
  sliceBytes = SLICE_BYTES,
): Promise<number> {
  const { chunkSizeBytes } = run.session;
  const giveBack = await run.memory(sliceBytes === SLICE_BYTES ? SLICED_CHUNK_BYTES : 0);
  if (index === 0) run.startFileHash();
  const hash = createSha256();
  let sizeBytes = 0;
  let hasBegun = false;
  const chunk = {
    index,
    id: () => chunkIdFromBytes(hash.digest()),
    lengthBytes: undefined,
    lengthLimitBytes: chunkSizeBytes,
    isReadable: () => !hasBegun,
    pieces: async function* () {
      hasBegun = true;
      while (sizeBytes < chunkSizeBytes && !(await chunker.isAtEnd(run.signal))) {
        const slice = await chunker.take(
          Math.min(sliceBytes, chunkSizeBytes - sizeBytes),
          run.signal,
        );
        hash.update(slice);
        run.hashFile(slice);
        sizeBytes += slice.byteLength;
        yield slice;
      }
    },
  };
  const uploaded = await run.store(chunk);
  giveBack();
  await run.add(index, async () => ({
    uploaded,
    storeAgain: () => Promise.reject(passedError(index)),
    added: () => undefined,
  }));
  return sizeBytes;
}

/** The coordinator wants a chunk sent again whose bytes nobody has. */
function passedError(chunkIndex: number): CairnError {
  return new CairnError(
    "chunkNeeded",
    `chunk ${chunkIndex} has to be sent again and its source cannot be read again`,
    { details: { chunkIndex } },
  );
}

const always = () => true;
