import { hasReason } from "@cairnfs/base/errors";
import type { FileEntry } from "@cairnfs/client";
import type { CompletedPart, MultipartUpload } from "@cairnfs/client/objects/multiparts";
import { type NamedPart, readCompleteMultipart } from "../../documents/complete-multipart.ts";
import { encryptionHeadersOf } from "../../encryption/object-encryption.ts";
import { hasWriteConditions } from "../../s3/conditions.ts";
import { S3Error } from "../../s3/errors.ts";
import { etagOf, quoted } from "../../s3/etag.ts";
import { objectUrl } from "../../s3/object-url.ts";
import type {
  GatewayParts,
  Operation,
  RequestHeaders,
  S3Reply,
  S3Request,
} from "../../s3/operation.ts";
import { readText } from "../../s3/read-document.ts";
import { checksumXml } from "../../s3/shown-checksum.ts";
import { textElement, xmlDocument } from "../../xml/write.ts";
import { lostRace, writePrecondition } from "../object/write-conditions.ts";
import { noSuchUpload, uploadIdOf } from "./find-upload.ts";
import { PartsSummary, type WholeObject } from "./parts-summary.ts";
import { uploadChecksum } from "./upload-checksum.ts";

/** Makes the object of the parts that the request names. */
export const completeMultipartUpload: Operation = {
  name: "CompleteMultipartUpload",
  method: "POST",
  level: "object",
  query: "uploadId",
  action: "PutObject",
  run: runCompleteMultipartUpload,
};

async function runCompleteMultipartUpload(
  request: S3Request,
  parts: GatewayParts,
): Promise<S3Reply> {
  const uploadId = uploadIdOf(request);
  const { headers } = request;
  const named = readCompleteMultipart(await readText({ ...request, headers: ofDocument(headers) }));
  const { upload, completed } = await statUpload(request, parts, uploadId);
  if (completed !== undefined) return completedReply(request, completed);
  try {
    return completedReply(request, await completeUpload(request, parts, upload, named));
  } catch (error) {
    // Another attempt may have made the object since: then it is what this one is told.
    const other = await statUpload(request, parts, uploadId).catch(() => undefined);
    if (other?.completed === undefined) throw error;
    return completedReply(request, other.completed);
  }
}

function statUpload({ bucket, key, signal }: S3Request, parts: GatewayParts, uploadId: string) {
  return parts.client.multiparts.stat(bucket, key, uploadId, { signal }).catch((error: unknown) => {
    throw noSuchUpload(error, uploadId);
  });
}

async function completeUpload(
  request: S3Request,
  parts: GatewayParts,
  upload: MultipartUpload,
  named: readonly NamedPart[],
): Promise<FileEntry> {
  const { bucket, key, headers, signal } = request;
  const { uploadId } = upload;
  requireOrder(named);
  const summary = await summarize(request, parts, upload, named);
  const precondition = await writePrecondition(request, parts);
  try {
    return await parts.client.multiparts.complete(bucket, key, uploadId, summary.completed, {
      precondition,
      object: { ...upload.object, ...summary.object },
      signal,
    });
  } catch (error) {
    if (hasReason(error, "preconditionFailed") && !hasWriteConditions(headers)) {
      // A part was uploaded again since it was looked at.
      throw new S3Error("InvalidPart", { cause: error });
    }
    throw noSuchUpload(await lostRace(error, request, parts), uploadId);
  }
}

/** The headers without checksums, which are of the object here and not of the document. */
function ofDocument(headers: RequestHeaders): RequestHeaders {
  const names = Object.keys(headers).filter((name) => !name.includes("-checksum-"));
  return Object.fromEntries(names.map((name) => [name, headers[name]]));
}

function requireOrder(named: readonly NamedPart[]): void {
  let last = 0;
  for (const { number } of named) {
    if (number <= last) throw new S3Error("InvalidPartOrder");
    last = number;
  }
}

/** Walks over the parts of the upload, page by page, and finds all that were named. */
async function summarize(
  request: S3Request,
  parts: GatewayParts,
  upload: MultipartUpload,
  named: readonly NamedPart[],
): Promise<WholeObject & { readonly completed: readonly CompletedPart[] }> {
  const { bucket, key, headers, signal } = request;
  const summary = new PartsSummary(uploadChecksum(upload.object), headers);
  const completed: CompletedPart[] = [];
  let afterNumber = 0;
  let hasMore = true;
  while (hasMore && completed.length < named.length) {
    const { uploadId } = upload;
    const page = await parts.client.multiparts
      .listPartsPage(bucket, key, uploadId, { afterNumber, signal })
      .catch((error: unknown) => {
        throw noSuchUpload(error, uploadId);
      });
    for (const part of page.parts) {
      afterNumber = part.number;
      const next = named[completed.length];
      if (next === undefined || part.number < next.number) continue;
      if (part.number > next.number) throw missingPart(next, uploadId);
      summary.add(next, part, completed.length === named.length - 1, uploadId);
      completed.push({ number: part.number, contentId: part.contentId });
    }
    hasMore = page.hasMore;
  }
  const missing = named[completed.length];
  if (missing !== undefined) throw missingPart(missing, upload.uploadId);
  return { ...summary.finish(), completed };
}

function missingPart({ number, etag }: NamedPart, uploadId: string): S3Error {
  return new S3Error("InvalidPart", {
    details: { UploadId: uploadId, PartNumber: String(number), ETag: etag },
  });
}

function completedReply(request: S3Request, entry: FileEntry): S3Reply {
  const { bucket, key } = request;
  const { object, versionId } = entry;
  const body = xmlDocument(
    "CompleteMultipartUploadResult",
    textElement("Location", objectUrl(request)),
    textElement("Bucket", bucket),
    textElement("Key", key),
    textElement("ETag", quoted(etagOf(entry))),
    object === undefined ? "" : checksumXml(object),
  );
  return {
    status: 200,
    headers: {
      ...(versionId !== undefined && { "x-amz-version-id": versionId }),
      ...encryptionHeadersOf(object?.encryption),
    },
    body,
  };
}
