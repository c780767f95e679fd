import { toHex } from "@cairnfs/base/hex";
import type { FileEntry } from "@cairnfs/client";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";

/**
 * An object's ETag without its quotes: the MD5 of its content or, with the number of parts behind a dash, of its parts' MD5s. Of a file that no
 * S3 client wrote it is made of the content's id, with a dash that says that it is no MD5.
 */
export function etagOf(entry: Pick<FileEntry, "contentId" | "object">): string {
  const { object } = entry;
  if (object === undefined || object.md5.byteLength === 0) {
    return `${entry.contentId.toString(16).padStart(32, "0")}-1`;
  }
  return attributesEtag(object);
}

/** The same of what is said of a part or an object. */
export function attributesEtag({
  md5,
  partCount,
}: Pick<ObjectAttributes, "md5" | "partCount">): string {
  return partCount === 0 ? toHex(md5) : `${toHex(md5)}-${partCount}`;
}

/** An ETag as headers have it. */
export function quoted(etag: string): string {
  return `"${etag}"`;
}
