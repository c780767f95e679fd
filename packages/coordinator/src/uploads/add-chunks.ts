import { contents } from "../keyspace.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { appendChunks } from "./append-chunks.ts";
import { isRenewalDue, moveExpiry, requireOpenSession } from "./session-table.ts";
import type { UploadedChunk } from "./uploaded-chunk.ts";

export interface AddChunks {
  readonly sessionId: Uint8Array;
  readonly offsetBytes: number;
  readonly uploaded: readonly UploadedChunk[];
  readonly isLive: (nodeNumber: number) => boolean;
}

/** Appends chunks to an upload; gives the size it has then. A repeated call is harmless. */
export async function addChunks(mutation: Mutation, request: AddChunks): Promise<number> {
  const { tx, nowMs, settings } = mutation;
  const { sessionId, offsetBytes, uploaded, isLive } = request;
  const session = await requireOpenSession(tx, sessionId, nowMs);
  const content = await appendChunks(tx, { session, offsetBytes, uploaded, isLive });
  if (content.chunkCount > 0) contents.put(tx, session.contentId, content);
  if (isRenewalDue(session, nowMs, settings.sessionTtlMs)) {
    const expiresMs = nowMs + settings.sessionTtlMs;
    moveExpiry(tx, sessionId, session, { ...session, expiresMs });
  }
  return content.sizeBytes;
}
