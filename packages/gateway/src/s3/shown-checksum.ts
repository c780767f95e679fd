import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import { toBase64 } from "../checksums/payload-checks.ts";
import { CHECKSUM_ELEMENTS } from "../documents/complete-multipart.ts";
import { textElement } from "../xml/write.ts";

type Checksummed = Pick<ObjectAttributes, "checksums" | "partCount">;
type Checksum = Checksummed["checksums"][number];

/** S3's word for what a checksum is of. */
export function checksumType({ isComposite }: Pick<Checksum, "isComposite">): string {
  return isComposite ? "COMPOSITE" : "FULL_OBJECT";
}

/** What replies say of an object's checksum in headers. */
export function checksumHeaders({ checksums, partCount }: Checksummed): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const checksum of checksums) {
    headers[`x-amz-checksum-${checksum.algorithm}`] = valueText(checksum, partCount);
    headers["x-amz-checksum-type"] = checksumType(checksum);
  }
  return headers;
}

/** The same in documents: the element of the value, under its algorithm's name, and what it is of. */
export function checksumXml(object: Checksummed): string {
  const value = checksumValueXml(object);
  const [checksum] = object.checksums;
  if (checksum === undefined || value === "") return "";
  return value + textElement("ChecksumType", checksumType(checksum));
}

/** The element of the value alone, as parts are shown. */
export function checksumValueXml({ checksums, partCount }: Checksummed): string {
  const [checksum] = checksums;
  const name = checksum === undefined ? undefined : CHECKSUM_ELEMENTS.get(checksum.algorithm);
  if (checksum === undefined || name === undefined) return "";
  return textElement(name, valueText(checksum, partCount));
}

/** A checksum of checksums says of how many. */
function valueText({ value, isComposite }: Checksum, partCount: number): string {
  return toBase64(value) + (isComposite ? `-${partCount}` : "");
}
