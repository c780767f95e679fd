import type { KvTransaction } from "@cairnfs/kv/kv-store";
import { requireOpen } from "../multipart/find-multipart.ts";
import type { AttributeChanges } from "../namespace/attributes.ts";
import type { FileEntry, PolicyRecord } from "../namespace/entry.ts";
import { contentId, domainId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { keyOf, type Path } from "../namespace/path.ts";
import type { Precondition } from "../namespace/precondition.ts";
import {
  domainOf,
  endOf,
  inheritedPolicy,
  readBothForms,
  readRoot,
  walk,
} from "../namespace/resolve.ts";
import { checkFileSlot, checkMissing, requireName } from "../namespace/slot.ts";
import { addSession } from "./session-table.ts";
import { checkAppend } from "./show-upload.ts";
import type { UploadSession, UploadTarget } from "./upload-session.ts";

export interface BeginUpload {
  readonly sessionId: Uint8Array;
  readonly path: Path;
  readonly sizeBytes: number | undefined;
  /** Before what the directories say. */
  readonly policy: PolicyRecord;
  readonly attributes: AttributeChanges;
  readonly precondition: Precondition;
  readonly parents: boolean;
  readonly target: UploadTarget;
}

/**
 * Opens an upload session for a file that could be put at `path` now. Nothing is made at the path: directories that
 * are missing are made by the commit.
 */
export async function beginUpload(
  mutation: Mutation,
  request: BeginUpload,
): Promise<UploadSession> {
  const { tx, nowMs, settings } = mutation;
  const { path, policy } = request;
  const name = requireName(path);
  const walked = await walk(tx, path.names.slice(0, -1), path.isKey);
  const isThere = walked.missing.length === 0;
  if (!isThere) checkMissing(path, walked, request.parents);
  const present = isThere ? await readBothForms(tx, endOf(walked), name) : NOTHING;
  const file = checkFileSlot({ path, present }, request);
  await checkTarget(tx, path, file, request.target);
  const inherited = inheritedPolicy(await readRoot(tx), walked.directories);
  const content = contentId(mutation.nextId());
  const domain = domainOf(walked);
  const session: UploadSession = {
    contentId: content,
    // A top-level directory that is still to be made gets this inode if the commit makes it.
    domainId: domain ?? domainId(mutation.nextId()),
    reservesDomain: domain === undefined,
    path: path.text,
    expiresMs: nowMs + settings.sessionTtlMs,
    chunkSizeBytes:
      policy.chunkSizeBytes ?? inherited.chunkSizeBytes ?? settings.defaultChunkSizeBytes,
    replicationFactor:
      policy.replicationFactor ?? inherited.replicationFactor ?? settings.defaultReplicationFactor,
    parents: request.parents,
    sizeBytes: request.sizeBytes,
    attributes: request.attributes,
    precondition: request.precondition,
    target: request.target,
    answer: undefined,
  };
  addSession(tx, request.sessionId, session);
  return session;
}

const NOTHING = { file: undefined, directory: undefined };

/** Whether what is uploaded could become what it is to become; the commit looks again. */
async function checkTarget(
  tx: KvTransaction,
  path: Path,
  file: FileEntry | undefined,
  target: UploadTarget,
): Promise<void> {
  if (target.kind === "part") {
    const { uploadId } = target;
    await requireOpen(tx, { bucket: path.names[0] ?? "", key: keyOf(path), uploadId });
  } else if (target.kind === "object" && target.appendAt !== undefined) {
    checkAppend(path, file, target.appendAt);
  }
}
