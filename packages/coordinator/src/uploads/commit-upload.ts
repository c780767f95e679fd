import { CairnError } from "@cairnfs/base/errors";
import { count } from "../counters.ts";
import { contents } from "../keyspace.ts";
import { type ContentRecord, NO_BYTES } from "../namespace/content.ts";
import type { FileEntry } from "../namespace/entry.ts";
import { inodeId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { openSlot, putFile } from "../namespace/slot.ts";
import { parseTargetPath } from "../objects/object-terms.ts";
import { appendChunks } from "./append-chunks.ts";
import { moveExpiry, requireSession } from "./session-table.ts";
import type { UploadSession } from "./upload-session.ts";
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
  const answer = await show(mutation, whole, request);
  const expiresMs = nowMs + settings.committedSessionTtlMs;
  moveExpiry(tx, sessionId, session, { ...session, expiresMs, answer });
  count(tx, "openUploads", -1);
  return answer;
}

/** The content of a session, complete, and whose it becomes. */
export interface WholeUpload {
  readonly session: UploadSession;
  readonly content: ContentRecord;
  readonly object: Uint8Array | undefined;
}

/** Makes the content what the session was opened for. */
async function show(
  mutation: Mutation,
  { session, content, object }: WholeUpload,
  request: CommitUpload,
): Promise<Uint8Array> {
  const { target } = session;
  const isWholeFile =
    target.kind === "file" || (target.kind === "object" && target.appendAt === undefined);
  if (!isWholeFile) throw new CairnError("unimplemented", `uploads of a ${target.kind}`);
  const { contentId, chunkSizeBytes, replicationFactor, attributes, precondition } = session;
  const path = parseTargetPath(session.path, target);
  const topId = session.reservesDomain ? inodeId(session.domainId) : undefined;
  const slot = await openSlot(mutation, path, session.parents, topId);
  const { sizeBytes, chunkCount, sha256 } = content;
  const body = { contentId, sizeBytes, chunkCount, chunkSizeBytes, replicationFactor, sha256 };
  const said = target.kind === "object" ? (object ?? target.object ?? NO_BYTES) : undefined;
  const entry = await putFile(mutation, slot, body, { attributes, precondition, object: said });
  return request.answer(slot.name, entry);
}
