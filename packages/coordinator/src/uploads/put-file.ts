import { CairnError } from "@cairnfs/base/errors";
import { contents } from "../keyspace.ts";
import type { AttributeChanges } from "../namespace/attributes.ts";
import { type ContentRecord, NO_BYTES, NO_PARTS } from "../namespace/content.ts";
import type { FileEntry, PolicyRecord } from "../namespace/entry.ts";
import { contentId, type DomainId, domainId, inodeId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import type { Path } from "../namespace/path.ts";
import type { Precondition } from "../namespace/precondition.ts";
import { domainOf, inheritedPolicy, readRoot, walk } from "../namespace/resolve.ts";
import { putFile as putEntry, slotBelow } from "../namespace/slot.ts";
import { type AppendTarget, appendChunks } from "./append-chunks.ts";
import type { UploadTarget } from "./upload-session.ts";
import type { UploadedChunk } from "./uploaded-chunk.ts";

/** How many chunks a file has at most that is written in one call. */
export const PUT_FILE_CHUNKS_MAX = 16;

export interface PutFile {
  readonly path: Path;
  readonly attributes: AttributeChanges;
  readonly precondition: Precondition;
  readonly parents: boolean;
  /** Before what the directories say. */
  readonly policy: PolicyRecord;
  readonly sha256: Uint8Array;
  readonly target: UploadTarget;
  /** The whole content: bytes, or chunks that were stored under a lease. */
  readonly body:
    | { readonly kind: "inline"; readonly bytes: Uint8Array }
    | {
        readonly kind: "chunks";
        readonly uploaded: readonly UploadedChunk[];
        readonly isLive: (nodeNumber: number) => boolean;
      };
}

/** Writes a small file whole. `chunkNeeded` or `quorumNotReached` when a chunk of it is not there to refer to. */
export async function putFile(mutation: Mutation, request: PutFile): Promise<FileEntry> {
  const { tx, settings } = mutation;
  const { path, policy, sha256 } = request;
  const object = requirePlain(request.target);
  const walked = await walk(tx, path.names.slice(0, -1), path.isKey);
  const inherited = inheritedPolicy(await readRoot(tx), walked.directories);
  const known = domainOf(walked);
  // A top-level directory that this makes gets the inode that is the domain of its first chunks.
  const domain = known ?? domainId(mutation.nextId());
  const topId = known === undefined ? inodeId(domain) : undefined;
  const slot = await slotBelow(mutation, path, walked, request.parents, topId);
  const target = {
    contentId: contentId(mutation.nextId()),
    domainId: domain,
    chunkSizeBytes:
      policy.chunkSizeBytes ?? inherited.chunkSizeBytes ?? settings.defaultChunkSizeBytes,
    replicationFactor:
      policy.replicationFactor ?? inherited.replicationFactor ?? settings.defaultReplicationFactor,
  };
  const content = await contentOf(mutation, target, request);
  contents.put(tx, target.contentId, { ...content, sha256 });
  const { sizeBytes, chunkCount } = content;
  const { contentId: id, chunkSizeBytes, replicationFactor } = target;
  const body = { contentId: id, sizeBytes, chunkCount, chunkSizeBytes, replicationFactor, sha256 };
  return putEntry(mutation, slot, body, { ...request, object });
}

/** What is said of an object that is put whole. Parts and what is added to objects go by sessions. */
function requirePlain(target: UploadTarget): Uint8Array | undefined {
  if (target.kind === "file") return undefined;
  if (target.kind === "object" && target.appendAt === undefined) return target.object ?? NO_BYTES;
  throw new CairnError("invalidArgument", "a part, or an append, is uploaded in a session");
}

async function contentOf(
  { tx, settings }: Mutation,
  target: AppendTarget,
  { body }: PutFile,
): Promise<ContentRecord> {
  if (body.kind === "chunks") {
    const { uploaded, isLive } = body;
    return appendChunks(tx, { session: target, offsetBytes: 0, uploaded, isLive });
  }
  return inlineContent(target.domainId, body.bytes, settings.inlineBytesMax);
}

function inlineContent(domain: DomainId, bytes: Uint8Array, sizeBytesMax: number): ContentRecord {
  const sizeBytes = bytes.byteLength;
  if (sizeBytes > sizeBytesMax) {
    throw new CairnError(
      "invalidArgument",
      `inline_bytes has ${sizeBytes} bytes, expected at most ${sizeBytesMax}`,
      { details: { sizeBytes, sizeBytesMax } },
    );
  }
  return {
    owners: 1,
    domainId: domain,
    sizeBytes,
    chunkCount: 0,
    goneAtMs: 0,
    sha256: NO_BYTES,
    inlineBytes: bytes,
    ...NO_PARTS,
  };
}
