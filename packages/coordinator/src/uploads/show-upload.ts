import { CairnError } from "@cairnfs/base/errors";
import { putPart } from "../multipart/put-part.ts";
import { composeAppended } from "../namespace/compose.ts";
import { type ContentRecord, NO_BYTES } from "../namespace/content.ts";
import { addOwner, dropOwner } from "../namespace/content-owners.ts";
import { type FileEntry, NO_METADATA, PLAIN_FILE } from "../namespace/entry.ts";
import { contentId, inodeId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { keyOf, type Path } from "../namespace/path.ts";
import { type FileBody, openSlot, putFile, type Slot } from "../namespace/slot.ts";
import { parseTargetPath } from "../objects/object-terms.ts";
import type { UploadSession, UploadTarget } from "./upload-session.ts";

/** The content of a session, complete, and what is said of it. */
export interface WholeUpload {
  readonly session: UploadSession;
  /** As it is in the store. */
  readonly content: ContentRecord;
  /** Encoded: instead of what was said when the session was opened. */
  readonly object: Uint8Array | undefined;
}

export interface ShownUpload {
  readonly name: string;
  /** Of a part: its content, size and what is said of it alone. */
  readonly entry: FileEntry;
}

/** Makes the content of a session what the session was opened for; who shows it then takes over the session's owner. */
export async function showUpload(mutation: Mutation, whole: WholeUpload): Promise<ShownUpload> {
  const { session, content } = whole;
  const { target } = session;
  const path = parseTargetPath(session.path, target);
  if (target.kind === "part") return showPart(mutation, path, target, whole);
  if (target.kind === "object" && target.appendAt !== undefined) {
    return showAppended(mutation, path, target.appendAt, whole);
  }
  const { attributes, precondition } = session;
  const topId = session.reservesDomain ? inodeId(session.domainId) : undefined;
  const slot = await openSlot(mutation, path, session.parents, topId);
  if (target.kind === "object") requireBucketOf(session, slot);
  const object = target.kind === "object" ? (saidOf(whole) ?? NO_BYTES) : undefined;
  const body = bodyOf(session, content);
  const entry = await putFile(mutation, slot, body, { attributes, precondition, object });
  return { name: slot.name, entry };
}

/** Who may put into a bucket may not be who may put into another one that has its name since. */
function requireBucketOf(session: UploadSession, { topId, path }: Slot): void {
  if (topId === inodeId(session.domainId)) return;
  throw new CairnError(
    "pathNotFound",
    `the bucket of ${path.text} is not the one that it was when the upload began`,
  );
}

function saidOf({ session: { target }, object }: WholeUpload): Uint8Array | undefined {
  return object ?? (target.kind === "file" ? undefined : target.object);
}

function bodyOf(session: UploadSession, content: ContentRecord): FileBody {
  const { contentId: id, chunkSizeBytes, replicationFactor } = session;
  const { sizeBytes, chunkCount, sha256 } = content;
  return { contentId: id, sizeBytes, chunkCount, chunkSizeBytes, replicationFactor, sha256 };
}

async function showPart(
  mutation: Mutation,
  path: Path,
  { uploadId, partNumber }: Extract<UploadTarget, { readonly kind: "part" }>,
  whole: WholeUpload,
): Promise<ShownUpload> {
  const { session, content } = whole;
  const object = saidOf(whole) ?? NO_BYTES;
  const body = bodyOf(session, content);
  const name = { bucket: path.names[0] ?? "", key: keyOf(path), uploadId };
  const { modifiedMs } = await putPart(mutation, name, partNumber, { ...body, depth: 0, object });
  const entry = { ...NO_FILE, ...body, object, createdMs: modifiedMs, modifiedMs };
  return { name: "", entry };
}

const NO_FILE = {
  kind: "file",
  inodeId: inodeId(0),
  version: 0,
  mode: 0,
  contentType: "",
  userMetadata: NO_METADATA,
  ...PLAIN_FILE,
} as const;

/** Puts the object again, as one of what is there and what came. */
async function showAppended(
  mutation: Mutation,
  path: Path,
  appendAt: number,
  whole: WholeUpload,
): Promise<ShownUpload> {
  const { session, content } = whole;
  const slot = await openSlot(mutation, path, false);
  requireBucketOf(session, slot);
  const base = checkAppend(path, slot.present.file, appendAt);
  const body = await appendedBody(mutation, base, session, content);
  const { attributes, precondition } = session;
  const terms = {
    attributes: {
      mode: attributes.mode ?? base.mode,
      modifiedMs: attributes.modifiedMs,
      contentType: attributes.contentType ?? base.contentType,
      userMetadata: attributes.userMetadata ?? base.userMetadata,
    },
    precondition,
    object: saidOf(whole) ?? base.object,
  };
  return { name: slot.name, entry: await putFile(mutation, slot, body, terms) };
}

/** The object that something is added to: `preconditionFailed` unless it has just this size. */
export function checkAppend(path: Path, file: FileEntry | undefined, appendAt: number): FileEntry {
  if (file?.sizeBytes === appendAt) return file;
  throw new CairnError(
    "preconditionFailed",
    `${path.text} has ${file?.sizeBytes ?? "no"} bytes, expected ${appendAt} to append at`,
    file && { details: { sizeBytes: file.sizeBytes } },
  );
}

async function appendedBody(
  mutation: Mutation,
  base: FileEntry,
  session: UploadSession,
  content: ContentRecord,
): Promise<FileBody> {
  const { tx, nowMs } = mutation;
  const { contentId: baseId, sizeBytes, chunkCount, chunkSizeBytes, replicationFactor } = base;
  if (base.sizeBytes === 0) return bodyOf(session, content);
  if (content.sizeBytes === 0) {
    await addOwner(tx, baseId);
    await dropOwner(tx, session.contentId, nowMs);
    const { sha256 } = base;
    return { contentId: baseId, sizeBytes, chunkCount, chunkSizeBytes, replicationFactor, sha256 };
  }
  const made = { id: contentId(mutation.nextId()), domainId: session.domainId };
  const part = { ...bodyOf(session, content), depth: content.depth, object: NO_BYTES };
  const composed = await composeAppended(tx, made, baseId, part);
  return {
    contentId: made.id,
    sizeBytes: composed.sizeBytes,
    chunkCount: composed.chunkCount,
    chunkSizeBytes,
    replicationFactor,
    sha256: NO_BYTES,
  };
}
