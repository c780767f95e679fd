import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import { toBase64 } from "../checksums/payload-checks.ts";

/** What replies say of an object's checksum. */
export function checksumHeaders(
  object: Pick<ObjectAttributes, "checksums" | "partCount">,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { algorithm, isComposite, value } of object.checksums) {
    const suffix = isComposite ? `-${object.partCount}` : "";
    headers[`x-amz-checksum-${algorithm}`] = toBase64(value) + suffix;
    headers["x-amz-checksum-type"] = isComposite ? "COMPOSITE" : "FULL_OBJECT";
  }
  return headers;
}
