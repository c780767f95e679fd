import { CairnError } from "@cairnfs/base/errors";
import { count } from "../counters.ts";
import { contents } from "../keyspace.ts";
import type { FileEntry } from "../namespace/entry.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { appendChunks } from "./append-chunks.ts";
import { moveExpiry, requireSession } from "./session-table.ts";
import { showUpload } from "./show-upload.ts";
import type { UploadedChunk } from "./uploaded-chunk.ts";

export interface CommitUpload {
  readonly sessionId: Uint8Array;
  readonly offsetBytes: number;
  readonly uploaded: readonly UploadedChunk[];
  /** Of the whole file; may be empty. */
  readonly sha256: Uint8Array;
  readonly sizeBytes: number;
  /** What is said of an object, encoded: instead of what was said when the session was opened. */
  readonly object: Uint8Array | undefined;
  readonly isLive: (nodeNumber: number) => boolean;
  /** The answer of this commit as it is kept for repeats. */
  readonly answer: (name: string, entry: FileEntry) => Uint8Array;
}

/**
 * Appends the last chunks and makes the file appear, in one transaction; gives the answer. After success the session
 * remembers it for a while: a repeated commit gets the same.
 */
export async function commitUpload(mutation: Mutation, request: CommitUpload): Promise<Uint8Array> {
  const { tx, nowMs, settings } = mutation;
  const { sessionId, offsetBytes, uploaded, sha256, sizeBytes, isLive } = request;
  const session = await requireSession(tx, sessionId, nowMs);
  if (session.answer !== undefined) return session.answer;

  const content = await appendChunks(tx, { session, offsetBytes, uploaded, isLive });
  for (const expectedBytes of [sizeBytes, session.sizeBytes]) {
    if (expectedBytes === undefined || expectedBytes === content.sizeBytes) continue;
    throw new CairnError(
      "uploadMismatch",
      `the upload has ${content.sizeBytes} bytes, expected ${expectedBytes}`,
      { details: { addedBytes: content.sizeBytes, expectedBytes } },
    );
  }
  contents.put(tx, session.contentId, { ...content, sha256 });
  const whole = { session, content: { ...content, sha256 }, object: request.object };
  const { name, entry } = await showUpload(mutation, whole);
  const answer = request.answer(name, entry);
  const expiresMs = nowMs + settings.committedSessionTtlMs;
  moveExpiry(tx, sessionId, session, { ...session, expiresMs, answer });
  count(tx, "openUploads", -1);
  return answer;
}
