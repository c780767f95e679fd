import type { ListedMultipart } from "@cairnfs/client/objects/multiparts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { element, textElement, xmlDocument, xmlTime } from "../../xml/write.ts";
import { fillPage, type ListingPage } from "../listing/fill-page.ts";
import {
  commonPrefixesXml,
  delimiterXml,
  keyWriter,
  type ListingQuery,
  listingQuery,
} from "../listing/listing-query.ts";
import { shownUser } from "./list-parts.ts";
import { uploadChecksum, uploadChecksumXml } from "./upload-checksum.ts";

/** The open uploads of a bucket. */
export const listMultipartUploads: Operation = {
  name: "ListMultipartUploads",
  method: "GET",
  level: "bucket",
  query: "uploads",
  action: "ListBucketMultipartUploads",
  run: runListMultipartUploads,
};

interface Position {
  readonly afterKey: string;
  readonly afterUploadId: string;
}

async function runListMultipartUploads(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { query } = request;
  const asked = listingQuery(request, "max-uploads");
  const afterKey = query.get("key-marker") ?? "";
  // Without a key it says nothing, and S3 does not look at it.
  const afterUploadId = afterKey === "" ? "" : (query.get("upload-id-marker") ?? "");
  const page = await readPage(request, parts, asked, { afterKey, afterUploadId });
  const shown = keyWriter(asked);
  const last = page.items.at(-1);
  const prefixes = page.items.flatMap((item) => (item.kind === "prefix" ? [item.key] : []));
  const rows: string[] = [];
  for (const item of page.items) {
    if (item.kind === "upload") rows.push(await uploadXml(item, shown(item.key), parts, request));
  }
  const body = xmlDocument(
    "ListMultipartUploadsResult",
    textElement("Bucket", request.bucket),
    textElement("KeyMarker", shown(afterKey)),
    textElement("UploadIdMarker", query.get("upload-id-marker") ?? ""),
    textElement("NextKeyMarker", shown(page.next?.afterKey ?? last?.key ?? "")),
    textElement(
      "NextUploadIdMarker",
      page.next?.afterUploadId ?? (last?.kind === "upload" ? last.upload.uploadId : ""),
    ),
    textElement("Prefix", asked.prefix === "" ? undefined : shown(asked.prefix)),
    delimiterXml(asked),
    textElement("MaxUploads", asked.limit),
    textElement("IsTruncated", page.next !== undefined),
    ...rows,
    commonPrefixesXml(prefixes, asked),
  );
  return { status: 200, body };
}

function readPage(
  { bucket, signal }: S3Request,
  { client }: GatewayParts,
  { prefix, delimiter, limit }: ListingQuery,
  start: Position,
): Promise<ListingPage<ListedMultipart, Position>> {
  return fillPage(limit, start, ({ afterKey, afterUploadId }, left) =>
    client.multiparts.listPage(bucket, {
      prefix,
      delimiter,
      afterKey,
      ...(afterUploadId !== "" && { afterUploadId }),
      limit: left,
      signal,
    }),
  );
}

async function uploadXml(
  { upload }: Extract<ListedMultipart, { readonly kind: "upload" }>,
  key: string,
  parts: GatewayParts,
  { signal }: S3Request,
): Promise<string> {
  return element(
    "Upload",
    textElement("Key", key),
    textElement("UploadId", upload.uploadId),
    element("Initiator", await shownUser(upload.initiator, parts, signal)),
    element("Owner", await shownUser(upload.owner, parts, signal)),
    textElement("StorageClass", upload.object.headers["x-amz-storage-class"] ?? "STANDARD"),
    textElement("Initiated", xmlTime(upload.createdMs)),
    uploadChecksumXml(uploadChecksum(upload.object)),
  );
}
