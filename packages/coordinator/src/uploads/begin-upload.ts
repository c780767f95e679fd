import type { AttributeChanges } from "../namespace/attributes.ts";
import type { PolicyRecord } from "../namespace/entry.ts";
import { contentId, domainId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import type { Path } from "../namespace/path.ts";
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
  if (walked.missing.length === 0) {
    const present = await readBothForms(tx, endOf(walked), name);
    checkFileSlot({ path, present }, request);
  } else {
    checkMissing(path, walked, request.parents);
    checkFileSlot({ path, present: { file: undefined, directory: undefined } }, request);
  }
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
