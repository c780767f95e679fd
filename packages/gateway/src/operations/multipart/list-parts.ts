import type { ObjectPart } from "@cairnfs/client/objects/multiparts";
import { userXml } from "../../acl/acl-document.ts";
import { invalidArgument } from "../../s3/errors.ts";
import { attributesEtag, quoted } from "../../s3/etag.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { checksumValueXml } from "../../s3/shown-checksum.ts";
import { element, textElement, xmlDocument, xmlTime } from "../../xml/write.ts";
import { pageLimit } from "../listing/listing-query.ts";
import { abortHeaders } from "./abort-headers.ts";
import { noSuchUpload, openUpload, uploadIdOf } from "./find-upload.ts";
import { uploadChecksum, uploadChecksumXml } from "./upload-checksum.ts";

/** The parts of an open upload. */
export const listParts: Operation = {
  name: "ListParts",
  method: "GET",
  level: "object",
  query: "uploadId",
  action: "ListMultipartUploadParts",
  run: runListParts,
};

async function runListParts(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { bucket, key, query, signal } = request;
  const uploadId = uploadIdOf(request);
  const limit = pageLimit(query.get("max-parts"), "max-parts");
  const afterNumber = numberMarker(query.get("part-number-marker"));
  const upload = await openUpload(request, parts);
  const page = await parts.client.multiparts
    .listPartsPage(bucket, key, uploadId, { afterNumber, limit: Math.max(limit, 1), signal })
    .catch((error: unknown) => {
      throw noSuchUpload(error, uploadId);
    });
  const shown = limit === 0 ? [] : page.parts;
  const body = xmlDocument(
    "ListPartsResult",
    textElement("Bucket", bucket),
    textElement("Key", key),
    textElement("UploadId", uploadId),
    element("Initiator", await shownUser(upload.initiator, parts, signal)),
    element("Owner", await shownUser(upload.owner, parts, signal)),
    textElement("StorageClass", upload.object.headers["x-amz-storage-class"] ?? "STANDARD"),
    textElement("PartNumberMarker", afterNumber),
    textElement("NextPartNumberMarker", shown.at(-1)?.number ?? 0),
    textElement("MaxParts", limit),
    textElement("IsTruncated", limit > 0 && page.hasMore),
    ...shown.map(partXml),
    uploadChecksumXml(uploadChecksum(upload.object)),
  );
  const details = await parts.buckets.get(bucket);
  return { status: 200, headers: abortHeaders(details, key, upload.createdMs), body };
}

/** What is inside an element that shows a user. */
export async function shownUser(
  owner: string,
  parts: GatewayParts,
  signal: AbortSignal,
): Promise<string> {
  const id = await parts.users.ownerId(owner, signal);
  return userXml(await parts.users.shown(id, signal));
}

function partXml({ number, modifiedMs, sizeBytes, object }: ObjectPart): string {
  return element(
    "Part",
    textElement("PartNumber", number),
    textElement("LastModified", xmlTime(modifiedMs)),
    textElement("ETag", quoted(attributesEtag({ md5: object.md5, partCount: 0 }))),
    textElement("Size", sizeBytes),
    checksumValueXml({ ...object, partCount: 0 }),
  );
}

function numberMarker(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw invalidArgument(
    "part-number-marker",
    text,
    "Argument part-number-marker must be an integer between 0 and 2147483647",
  );
}
