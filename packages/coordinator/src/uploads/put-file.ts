import { CairnError } from "@cairnfs/base/errors";
import { contents } from "../keyspace.ts";
import type { AttributeChanges } from "../namespace/attributes.ts";
import type { FileEntry } from "../namespace/entry.ts";
import { contentId, domainId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import type { Path } from "../namespace/path.ts";
import type { Precondition } from "../namespace/precondition.ts";
import { domainOf, inheritedPolicy, readRoot, walk } from "../namespace/resolve.ts";
import { putFile as putEntry, slotBelow } from "../namespace/slot.ts";

export interface PutFile {
  readonly path: Path;
  readonly attributes: AttributeChanges;
  readonly precondition: Precondition;
  readonly parents: boolean;
  readonly sha256: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Writes a small file whole; its bytes stay in the metadata store. */
export async function putFile(mutation: Mutation, request: PutFile): Promise<FileEntry> {
  const { tx, settings } = mutation;
  const { path, bytes, sha256 } = request;
  if (bytes.byteLength > settings.inlineBytesMax) {
    throw new CairnError(
      "invalidArgument",
      `inline_bytes has ${bytes.byteLength} bytes, expected at most ${settings.inlineBytesMax}`,
      { details: { sizeBytes: bytes.byteLength, sizeBytesMax: settings.inlineBytesMax } },
    );
  }
  const walked = await walk(tx, path.names.slice(0, -1));
  const inherited = inheritedPolicy(await readRoot(tx), walked.directories);
  const slot = await slotBelow(mutation, path, walked, request.parents);
  const id = contentId(mutation.nextId());
  const body = {
    contentId: id,
    sizeBytes: bytes.byteLength,
    chunkCount: 0,
    chunkSizeBytes: inherited.chunkSizeBytes ?? settings.defaultChunkSizeBytes,
    replicationFactor: inherited.replicationFactor ?? settings.defaultReplicationFactor,
    sha256,
  };
  contents.put(tx, id, {
    owners: 1,
    domainId: domainOf(walked) ?? domainId(id),
    sizeBytes: bytes.byteLength,
    chunkCount: 0,
    goneAtMs: 0,
    sha256,
    inlineBytes: bytes,
  });
  return putEntry(mutation, slot, body, request);
}
