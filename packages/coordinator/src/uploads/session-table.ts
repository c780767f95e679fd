import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import type { KvReader, KvTransaction } from "@cairnfs/kv/kv-store";
import { count } from "../counters.ts";
import { contents, SESSION_ID_BYTES, sessionExpiries, sessions } from "../keyspace.ts";
import { dropOwner } from "../namespace/content-owners.ts";
import type { UploadSession } from "./upload-session.ts";

/** An id from the wire; anything but 16 bytes is refused as `invalidArgument`. */
export function checkSessionId(id: Uint8Array): Uint8Array {
  if (id.byteLength === SESSION_ID_BYTES) return id;
  throw new CairnError("invalidArgument", `a session id has 16 bytes, not ${id.byteLength}`);
}

/** The session, open or committed; `uploadNotFound` when it is unknown or has expired. */
export async function requireSession(
  reader: KvReader,
  id: Uint8Array,
  nowMs: number,
): Promise<UploadSession> {
  const session = await sessions.get(reader, id);
  if (session === undefined || session.expiresMs <= nowMs) {
    throw new CairnError("uploadNotFound", `no upload has the session id ${toHex(id)}`);
  }
  return session;
}

/** The session, which must not be committed yet (`uploadMismatch`). */
export async function requireOpenSession(
  reader: KvReader,
  id: Uint8Array,
  nowMs: number,
): Promise<UploadSession> {
  const session = await requireSession(reader, id, nowMs);
  if (session.answer === undefined) return session;
  throw new CairnError("uploadMismatch", `upload ${toHex(id)} is committed`);
}

export function addSession(tx: KvTransaction, id: Uint8Array, session: UploadSession): void {
  sessions.put(tx, id, session);
  sessionExpiries.put(tx, [session.expiresMs, id], true);
  count(tx, "openUploads", 1);
}

/** Whether so much of a session's life has passed that using it should move its end. Not at each call: that would be a write. */
export function isRenewalDue(session: UploadSession, nowMs: number, ttlMs: number): boolean {
  return session.expiresMs - nowMs < ttlMs * 0.75;
}

/** Writes a session with a new end of its life. */
export function moveExpiry(
  tx: KvTransaction,
  id: Uint8Array,
  before: UploadSession,
  after: UploadSession,
): void {
  sessions.put(tx, id, after);
  if (before.expiresMs === after.expiresMs) return;
  sessionExpiries.delete(tx, [before.expiresMs, id]);
  sessionExpiries.put(tx, [after.expiresMs, id], true);
}

/** Ends a session. What an open one has gathered is let go at once: nobody could read it. */
export async function endSession(
  tx: KvTransaction,
  id: Uint8Array,
  session: UploadSession,
  nowMs: number,
): Promise<void> {
  sessions.delete(tx, id);
  sessionExpiries.delete(tx, [session.expiresMs, id]);
  if (session.answer !== undefined) return;
  count(tx, "openUploads", -1);
  if (await contents.has(tx, session.contentId)) await dropOwner(tx, session.contentId, nowMs);
}
