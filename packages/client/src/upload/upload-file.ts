import type { Disk } from "@cairnfs/base/disk";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import { withCallerSignal } from "../abort.ts";
import { count, idFromHex } from "../entry.ts";
import { Placements } from "./placements.ts";
import {
  abortUpload,
  beginUpload,
  closingSession,
  type OpenUpload,
  put,
  runRepeatable,
} from "./put.ts";
import { openSource, type RepeatableSource } from "./source.ts";
import type { PutOptions, PutResult, UploadParts } from "./upload-parts.ts";
import { readUploadState, removeUploadState, writeUploadState } from "./upload-state.ts";

export interface UploadFileOptions extends PutOptions {
  /**
   * A local file that remembers the upload: when the process dies or the upload fails, the same call continues it.
   * It is removed when the upload has committed.
   */
  readonly stateFile?: string | undefined;
}

/** Uploads a local file; with a state file, goes on where an earlier call stopped. */
export async function uploadFile(
  parts: UploadParts,
  localFile: string,
  path: string,
  options: UploadFileOptions,
): Promise<PutResult> {
  const { stateFile } = options;
  if (stateFile === undefined) return put(parts, path, { localFile }, options);
  return withFile(parts, localFile, options, async (source) => {
    if (source.sizeBytes <= parts.limits.inlineBytes) {
      return put(parts, path, { localFile }, options);
    }
    const result = await continueOrBegin(parts, path, source, { ...options, stateFile });
    await removeUploadState(parts.disk, stateFile);
    return result;
  });
}

/**
 * Continues an open session with the local file that it was begun with, and commits it. What is there already is
 * verified and not sent again; `uploadMismatch` when the file is another one. The session stays open when this rejects.
 */
export function resumeUpload(
  parts: UploadParts,
  sessionId: string,
  localFile: string,
  options: PutOptions,
): Promise<PutResult> {
  return withFile(parts, localFile, options, async (source) => {
    const upload = await reopenUpload(parts, idFromHex(sessionId, "a session id"), options);
    return runRepeatable(parts, upload, source, options);
  });
}

interface StatefulOptions extends PutOptions {
  readonly stateFile: string;
}

async function continueOrBegin(
  parts: UploadParts,
  path: string,
  source: RepeatableSource,
  options: StatefulOptions,
): Promise<PutResult> {
  const { disk } = parts;
  const state = await readUploadState(disk, options.stateFile);
  if (state !== undefined && state.path === path && state.sizeBytes === source.sizeBytes) {
    const sessionId = idFromHex(state.sessionId, "a session id");
    try {
      const upload = await reopenUpload(parts, sessionId, options);
      return await runRepeatable(parts, upload, source, options);
    } catch (error) {
      // Expired, or the file is not the one that was begun: from the start, then.
      if (!hasReason(error, "uploadNotFound", "uploadMismatch")) throw error;
      await abortUpload(parts, sessionId);
    }
  }
  const upload = await beginUpload(parts, path, options, source.sizeBytes);
  const { session } = upload;
  try {
    await writeUploadState(disk, options.stateFile, {
      sessionId: toHex(session.id),
      path,
      sizeBytes: source.sizeBytes,
    });
  } catch (error) {
    return closingSession(parts, session, () => Promise.reject(error));
  }
  return runRepeatable(parts, upload, source, options);
}

async function reopenUpload(
  parts: UploadParts,
  sessionId: Uint8Array,
  options: PutOptions,
): Promise<OpenUpload> {
  const reply = await parts.coordinator.call(
    (client, callOptions) => client.getUpload({ sessionId }, callOptions),
    { signal: options.signal },
  );
  await parts.nodes.resync(options.signal);
  const chunkSizeBytes = count(reply.chunkSizeBytes);
  if (chunkSizeBytes === 0) {
    throw new CairnError("protocolViolation", "the coordinator gave a chunk size of 0 bytes");
  }
  return {
    placements: new Placements(parts.coordinator, parts.nodes, sessionId),
    session: {
      id: sessionId,
      path: reply.path,
      chunkSizeBytes,
      writeQuorum: reply.writeQuorum,
      addedChunks: count(reply.addedChunks),
      isResumed: true,
    },
  };
}

function withFile(
  parts: UploadParts,
  localFile: string,
  options: PutOptions,
  use: (source: RepeatableSource) => Promise<PutResult>,
): Promise<PutResult> {
  return withCallerSignal(options.signal, async () => {
    const source = await openFile(parts.disk, localFile);
    try {
      return await use(source);
    } finally {
      await source.close();
    }
  });
}

async function openFile(disk: Disk, localFile: string): Promise<RepeatableSource> {
  const source = await openSource({ localFile }, disk);
  if (source.kind !== "repeatable") {
    throw new CairnError("internal", "a local file can be read again");
  }
  return source;
}
