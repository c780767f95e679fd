import { CairnError } from "@cairnfs/base/errors";
import { contents } from "../keyspace.ts";
import { COMPOSITE_DEPTH_MAX } from "../namespace/content.ts";
import { addOwner } from "../namespace/content-owners.ts";
import type { FileEntry } from "../namespace/entry.ts";
import type { Mutation } from "../namespace/mutation.ts";
import type { MultipartName } from "./find-multipart.ts";
import type { UploadedPart } from "./multipart-record.ts";
import { putPart } from "./put-part.ts";

export interface CopyPart extends MultipartName {
  readonly partNumber: number;
  readonly source: FileEntry;
  /** What is said of the part, encoded. */
  readonly object: Uint8Array;
}

/** Makes what a file shows a part, by metadata alone; `conflictingState` where that cannot be. */
export async function copyPart(
  { tx, nowMs }: Pick<Mutation, "tx" | "nowMs">,
  request: CopyPart,
): Promise<UploadedPart> {
  const { source, object } = request;
  const { contentId, sizeBytes, chunkCount } = source;
  const content = await contents.get(tx, contentId);
  if (content === undefined) {
    throw new CairnError("internal", `content ${contentId} is gone and yet shown`);
  }
  const isInline = chunkCount === 0 && sizeBytes > 0;
  if (isInline || content.depth >= COMPOSITE_DEPTH_MAX) {
    const why = isInline ? "lives in its inode" : `is made of parts ${content.depth} deep`;
    throw new CairnError("conflictingState", `the source ${why}: send its bytes`);
  }
  await addOwner(tx, contentId);
  const part = { contentId, sizeBytes, chunkCount, depth: content.depth, object };
  return putPart({ tx, nowMs }, request, request.partNumber, part);
}
