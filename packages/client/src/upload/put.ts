import { sha256 } from "@cairnfs/base/checksum";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { BeginUploadResponse } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { withCallerSignal } from "../abort.ts";
import { count, entryFromWire, fileTermsToWire, policyToWire } from "../entry.ts";
import { objectTerms, putSmallFile, SMALL_FILE_BYTES_MAX } from "../small-files/put-small-file.ts";
import { Chunker } from "./chunker.ts";
import { addOneShot } from "./one-shot-upload.ts";
import { Placements } from "./placements.ts";
import { addRepeatable } from "./repeatable-upload.ts";
import { openSource, type RepeatableSource, type UploadSource } from "./source.ts";
import { bufferedChunkBytes } from "./upload-memory.ts";
import type { PutResult, PutTerms, UploadParts, UploadSession } from "./upload-parts.ts";
import { checkSize, UploadRun } from "./upload-run.ts";

/** How long a failed upload tries to tell the coordinator that nothing more comes; the session expires anyway. */
const ABORT_PATIENCE_MS = 2_000;

/** A session and where its chunks go. */
export interface OpenUpload {
  readonly session: UploadSession;
  readonly placements: Placements;
}

/**
 * Makes `source` the file at `path`: when this resolves the file is there whole and durable, when it rejects the
 * path is as it was.
 */
export async function put(
  parts: UploadParts,
  path: string,
  source: UploadSource,
  options: PutTerms,
): Promise<PutResult> {
  return withCallerSignal(options.signal, async () => {
    const opened = await openSource(source, parts.disk);
    if (opened.kind === "one-shot") return putOneShot(parts, path, opened.parts, options);
    try {
      return await putRepeatable(parts, path, opened, options);
    } finally {
      await opened.close();
    }
  });
}

async function putRepeatable(
  parts: UploadParts,
  path: string,
  source: RepeatableSource,
  options: PutTerms,
): Promise<PutResult> {
  const { sizeBytes } = source;
  const isWhole = options.object?.isWhole ?? true;
  if (isWhole && sizeBytes <= parts.limits.inlineBytes) {
    const bytes = await source.read(0, sizeBytes);
    const done = await putInline(parts, path, bytes, options);
    if (done !== undefined) return done;
  } else if (isWhole && sizeBytes <= SMALL_FILE_BYTES_MAX) {
    const done = await putSmallSource(parts, path, source, options);
    if (done !== undefined) return done;
  }
  const upload = await beginUpload(parts, path, options, sizeBytes);
  return closingSession(parts, upload.session, () => runRepeatable(parts, upload, source, options));
}

async function putSmallSource(
  parts: UploadParts,
  path: string,
  source: RepeatableSource,
  options: PutTerms,
): Promise<PutResult | undefined> {
  const { sizeBytes } = source;
  const giveBack = await parts.budget.take(source.isInMemory ? 0 : sizeBytes, options.signal);
  try {
    return await putSmallFile(parts, { path, bytes: await source.read(0, sizeBytes) }, options);
  } finally {
    giveBack();
  }
}

/** Uploads into an open session and commits it. The session stays open when this rejects. */
export function runRepeatable(
  parts: UploadParts,
  upload: OpenUpload,
  source: RepeatableSource,
  options: PutTerms,
): Promise<PutResult> {
  const run = new UploadRun(parts, {
    ...upload,
    put: options,
    totalBytes: source.sizeBytes,
    isEager: false,
  });
  return run.run(() => addRepeatable(run, source));
}

async function putOneShot(
  parts: UploadParts,
  path: string,
  source: AsyncIterator<Uint8Array>,
  options: PutTerms,
): Promise<PutResult> {
  const chunker = new Chunker(source);
  const signal = options.signal ?? new AbortController().signal;
  const { sizeBytes } = options;
  try {
    if (mayBeSmall(options)) {
      const head = await chunker.take(SMALL_FILE_BYTES_MAX + 1, signal);
      const done = await putHead(parts, path, head, options);
      if (done !== undefined) return done;
      chunker.putBack(head);
    }
    const upload = await beginBuffered(parts, path, options);
    return await closingSession(parts, upload.session, () => {
      const runOptions = { ...upload, put: options, totalBytes: sizeBytes, isEager: true };
      const run = new UploadRun(parts, runOptions);
      return run.run(() => addOneShot(run, chunker));
    });
  } finally {
    chunker.cancel();
  }
}

/** Whether it is worth while to gather the beginning of a source before anything is sent. */
function mayBeSmall({ object, sizeBytes = 0 }: PutTerms): boolean {
  return (object?.isWhole ?? true) && sizeBytes <= SMALL_FILE_BYTES_MAX;
}

/** Puts a source of which this is all; `undefined` when there is more, or an upload session should be tried. */
async function putHead(
  parts: UploadParts,
  path: string,
  head: Uint8Array,
  options: PutTerms,
): Promise<PutResult | undefined> {
  const { byteLength } = head;
  if (byteLength > SMALL_FILE_BYTES_MAX) return undefined;
  checkSize(options.sizeBytes, byteLength);
  return byteLength <= parts.limits.inlineBytes
    ? putInline(parts, path, head, options)
    : putSmallFile(parts, { path, bytes: head }, options);
}

/** One call for a file that fits in its inode; `undefined` when this coordinator's limit is lower. */
async function putInline(
  parts: UploadParts,
  path: string,
  bytes: Uint8Array,
  options: PutTerms,
): Promise<PutResult | undefined> {
  const object = await objectTerms(options);
  try {
    const reply = await parts.coordinator.call(
      (client, callOptions) =>
        client.putFile(
          {
            path,
            ...fileTermsToWire(options),
            ...object,
            sha256: options.checksum === false ? new Uint8Array(0) : sha256(bytes),
            inlineBytes: bytes,
          },
          callOptions,
        ),
      { signal: options.signal, isMutation: true },
    );
    const entry = entryFromWire(reply.entry, path);
    options.onProgress?.({
      doneBytes: bytes.byteLength,
      totalBytes: bytes.byteLength,
      sentBytes: 0,
      skippedBytes: 0,
    });
    return { entry, sentBytes: 0, skippedBytes: 0 };
  } catch (error) {
    // Anything else that is wrong with the call is said again, and better, by BeginUpload.
    if (hasReason(error, "messageTooLarge", "invalidArgument")) return undefined;
    throw error;
  }
}

/** A one-shot source gets chunks that fit in memory, unless the caller has asked for larger ones. */
async function beginBuffered(
  parts: UploadParts,
  path: string,
  options: PutTerms,
): Promise<OpenUpload> {
  const { sizeBytes } = options;
  const upload = await beginUpload(parts, path, options, sizeBytes);
  const bufferedBytes = bufferedChunkBytes(parts.config.memoryBytes);
  const isFine = upload.session.chunkSizeBytes <= bufferedBytes;
  if (isFine || options.chunkSizeBytes !== undefined) return upload;
  await abortUpload(parts, upload.session.id);
  return beginUpload(parts, path, { ...options, chunkSizeBytes: bufferedBytes }, sizeBytes);
}

/** Opens a session for `path`. */
export async function beginUpload(
  parts: UploadParts,
  path: string,
  options: PutTerms,
  sizeBytes: number | undefined,
): Promise<OpenUpload> {
  const reply = await parts.coordinator.call(
    (client, callOptions) =>
      client.beginUpload(
        {
          path,
          ...(sizeBytes !== undefined && { sizeBytes: BigInt(sizeBytes) }),
          policy: policyToWire(options),
          ...fileTermsToWire(options),
          ...(options.object !== undefined && { object: options.object.terms }),
        },
        callOptions,
      ),
    { signal: options.signal, isMutation: true, waitsForNodes: true },
  );
  return openUpload(parts, path, reply);
}

function openUpload(parts: UploadParts, path: string, reply: BeginUploadResponse): OpenUpload {
  parts.nodes.apply(reply.nodes);
  parts.limits.inlineBytes = count(reply.inlineLimitBytes);
  const placements = new Placements(parts.coordinator, parts.nodes, reply.sessionId);
  placements.add(reply.placements);
  const session: UploadSession = {
    id: reply.sessionId,
    path,
    chunkSizeBytes: count(reply.chunkSizeBytes),
    writeQuorum: reply.writeQuorum,
    addedChunks: 0,
    isResumed: false,
  };
  if (session.chunkSizeBytes === 0) {
    throw new CairnError("protocolViolation", "the coordinator gave a chunk size of 0 bytes");
  }
  return { session, placements };
}

/** Runs the upload; when it fails the session is aborted, so that nothing waits for it to expire. */
export async function closingSession(
  parts: UploadParts,
  session: UploadSession,
  upload: () => Promise<PutResult>,
): Promise<PutResult> {
  try {
    return await upload();
  } catch (error) {
    if (!hasReason(error, "uploadNotFound")) await abortUpload(parts, session.id);
    throw error;
  }
}

/** Gives a session up, as well as that can be told: without an answer it expires by itself. */
export async function abortUpload(parts: UploadParts, sessionId: Uint8Array): Promise<void> {
  try {
    await parts.coordinator.call(
      (client, options) =>
        client.abortUpload({ sessionId }, { ...options, timeoutMs: ABORT_PATIENCE_MS }),
      { isMutation: true, patienceMs: ABORT_PATIENCE_MS },
    );
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
  }
}
