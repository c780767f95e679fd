import { CairnError } from "@cairnfs/base/errors";
import type { NewPart } from "../namespace/compose.ts";
import { dropOwner } from "../namespace/content-owners.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { type MultipartName, requireOpen } from "./find-multipart.ts";
import type { UploadedPart } from "./multipart-record.ts";
import { multipartParts } from "./multipart-tables.ts";

/** What may be said of one part: 10,000 parts complete in one transaction. */
export const PART_OBJECT_BYTES_MAX = 2 * 1024;

/**
 * Makes a content a part of an open upload, in place of the part of that number. The part takes over an owner that the caller has
 * counted.
 */
export async function putPart(
  { tx, nowMs }: Pick<Mutation, "tx" | "nowMs">,
  upload: MultipartName,
  partNumber: number,
  { contentId, sizeBytes, chunkCount, depth, object }: NewPart,
): Promise<UploadedPart> {
  if (object.byteLength > PART_OBJECT_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `a part's attributes have ${object.byteLength} bytes, expected at most ${PART_OBJECT_BYTES_MAX}`,
    );
  }
  const { number } = await requireOpen(tx, upload);
  const replaced = await multipartParts.get(tx, [number, partNumber]);
  // Nobody reads a part before it is in an object.
  if (replaced !== undefined) await dropOwner(tx, replaced.contentId, nowMs);
  const part = { contentId, sizeBytes, chunkCount, depth, object, modifiedMs: nowMs };
  multipartParts.put(tx, [number, partNumber], part);
  return part;
}
