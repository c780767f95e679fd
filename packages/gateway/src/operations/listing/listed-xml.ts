import type { BucketDetails, FileEntry } from "@cairnfs/client";
import { userXml } from "../../acl/acl-document.ts";
import { ownershipOf } from "../../s3/bucket-rules.ts";
import { etagOf, quoted } from "../../s3/etag.ts";
import type { GatewayParts } from "../../s3/operation.ts";
import { checksumType } from "../../s3/shown-checksum.ts";
import { element, textElement, xmlTime } from "../../xml/write.ts";

/** Who owns an object: who wrote it or, where that does not count or nobody said, the owner of the bucket. */
export function objectOwner(
  entry: Pick<FileEntry, "object">,
  bucket: BucketDetails,
  parts: Pick<GatewayParts, "config">,
): string {
  if (ownershipOf(bucket, parts.config) === "BucketOwnerEnforced") return bucket.owner;
  return entry.object?.owner ?? bucket.owner;
}

/** The element `Owner` of each owner that a page shows; each is looked up once. */
export async function ownerElements(
  owners: Iterable<string>,
  parts: GatewayParts,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const elements = new Map<string, string>();
  for (const owner of new Set(owners)) {
    const id = await parts.users.ownerId(owner, signal);
    elements.set(owner, element("Owner", userXml(await parts.users.shown(id, signal))));
  }
  return elements;
}

/** What a listing shows of the content of an object, from its time to its storage class; the owner only if one is given. */
export function contentXml(entry: FileEntry, owner: string): string {
  const { object } = entry;
  const algorithms = object?.checksums.map(({ algorithm }) =>
    textElement("ChecksumAlgorithm", algorithm.toUpperCase()),
  );
  const [checksum] = object?.checksums ?? [];
  const type = checksum === undefined ? undefined : checksumType(checksum);
  return (
    textElement("LastModified", xmlTime(entry.modifiedMs)) +
    textElement("ETag", quoted(etagOf(entry))) +
    (algorithms?.join("") ?? "") +
    textElement("ChecksumType", type) +
    textElement("Size", entry.sizeBytes) +
    owner +
    textElement("StorageClass", object?.headers["x-amz-storage-class"] ?? "STANDARD")
  );
}
