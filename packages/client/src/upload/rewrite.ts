import { backoffMs } from "@cairnfs/base/backoff";
import { hasReason } from "@cairnfs/base/errors";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { LocatedChunk } from "../download/chunk-map.ts";
import type { OpenedFile } from "../download/opened-file.ts";
import { Chunker } from "./chunker.ts";
import { addOneShot } from "./one-shot-upload.ts";
import { beginUpload, closingSession, put } from "./put.ts";
import type { PutOptions, PutResult, UploadParts } from "./upload-parts.ts";
import { UploadRun } from "./upload-run.ts";

/** How often a rewrite is begun anew because somebody else changed the file meanwhile. */
const CONFLICTS_MOST = 20;

export interface RewriteOptions extends PutOptions {
  /** Opens the file as it is now; `undefined` when there is none. */
  readonly open: () => Promise<OpenedFile | undefined>;
  /** How much of the old content stays; it is given the file's size. */
  readonly keepBytes: (sizeBytes: number) => number;
  /** What comes after it; it is given the file's size. Asked for again when the file was changed meanwhile. */
  readonly extra: (sizeBytes: number) => AsyncIterable<Uint8Array>;
}

/**
 * Gives a file a new content that begins like the old one: whole chunks of the old are referred to, not moved. Somebody else's
 * change in between makes it start over from the changed file, so that none is lost.
 */
export async function rewrite(
  parts: UploadParts,
  path: string,
  options: RewriteOptions,
): Promise<PutResult> {
  const { clock, random } = parts.config;
  for (let conflicts = 1; ; conflicts++) {
    try {
      return await rewriteOnce(parts, path, options);
    } catch (error) {
      const isConflict =
        options.precondition === undefined && hasReason(error, "preconditionFailed", "pathExists");
      if (!isConflict || conflicts >= CONFLICTS_MOST) throw error;
      const pause = { baseMs: 5, capMs: 500 };
      await clock.sleep(backoffMs(conflicts, pause, random), options.signal);
    }
  }
}

async function rewriteOnce(
  parts: UploadParts,
  path: string,
  options: RewriteOptions,
): Promise<PutResult> {
  const file = await options.open();
  if (file === undefined) {
    const precondition = options.precondition ?? { mustNotExist: true };
    return put(parts, path, options.extra(0), { ...options, precondition });
  }
  const { entry, sizeBytes } = file;
  const keepBytes = Math.min(sizeBytes, options.keepBytes(sizeBytes));
  const putOptions: PutOptions = {
    mode: entry.mode,
    contentType: entry.contentType,
    userMetadata: entry.userMetadata,
    ...options,
    precondition: options.precondition ?? { version: entry.version },
  };
  const kept = await wholeChunks(file, keepBytes, options.signal);
  const keptBytes = kept.reduce((sum, chunk) => sum + chunk.lengthBytes, 0);
  const rest = chain(
    file.read({
      offsetBytes: keptBytes,
      lengthBytes: keepBytes - keptBytes,
      signal: options.signal,
    }),
    options.extra(sizeBytes),
  );
  if (kept.length === 0) return put(parts, path, rest, putOptions);
  return appendToChunks(parts, path, { file, kept, keptBytes, rest }, putOptions);
}

interface Continuation {
  readonly file: OpenedFile;
  readonly kept: readonly LocatedChunk[];
  readonly keptBytes: number;
  readonly rest: AsyncGenerator<Uint8Array>;
}

async function appendToChunks(
  parts: UploadParts,
  path: string,
  { file, kept, keptBytes, rest }: Continuation,
  options: PutOptions,
): Promise<PutResult> {
  // The old chunks fit only where chunks are of the same size.
  const { chunkSizeBytes } = file.entry;
  const upload = await beginUpload(parts, path, { ...options, chunkSizeBytes }, undefined);
  return closingSession(parts, upload.session, () => {
    const run = new UploadRun(parts, {
      ...upload,
      // Nobody has read the old chunks, so nobody knows the hash of the whole.
      put: { ...options, checksum: false },
      totalBytes: undefined,
      isEager: true,
    });
    const chunker = new Chunker(rest);
    return run.run(async () => {
      try {
        for (const [index, chunk] of kept.entries()) {
          await run.add(index, () => Promise.resolve(reference(run, file, chunk, index)));
        }
        return keptBytes + (await addOneShot(run, chunker, kept.length));
      } finally {
        chunker.cancel();
      }
    });
  });
}

function reference(run: UploadRun, file: OpenedFile, chunk: LocatedChunk, index: number) {
  const { id, lengthBytes, offsetBytes } = chunk;
  return {
    uploaded: {
      chunkId: chunkIdToBytes(id),
      lengthBytes: BigInt(lengthBytes),
      receipts: [],
      epoch: 0n,
    },
    // The right to refer to a chunk may be lost (the file came from another top-level directory): then its bytes move.
    storeAgain: () =>
      run.store({
        index,
        id,
        lengthBytes,
        lengthLimitBytes: lengthBytes,
        isReadable: () => true,
        pieces: () => file.read({ offsetBytes, lengthBytes, signal: run.signal }),
      }),
    added: () => undefined,
  };
}

/** The chunks from the file's start that lie in its first `keepBytes` and are of full size. */
async function wholeChunks(
  file: OpenedFile,
  keepBytes: number,
  signal: AbortSignal | undefined,
): Promise<LocatedChunk[]> {
  const { chunkSizeBytes } = file.entry;
  const kept: LocatedChunk[] = [];
  for (let at = 0; at + chunkSizeBytes <= keepBytes && chunkSizeBytes > 0; at += chunkSizeBytes) {
    const chunk = await file.chunkAt(at, signal);
    if (chunk === undefined) return [];
    if (chunk.offsetBytes !== at || chunk.lengthBytes !== chunkSizeBytes) break;
    kept.push(chunk);
  }
  return kept;
}

async function* chain(
  ...sources: readonly AsyncIterable<Uint8Array>[]
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const source of sources) yield* source;
}
