import { hasReason } from "@cairnfs/base/errors";
import type { MultipartUpload } from "@cairnfs/client/objects/multiparts";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import type { RequestedRange } from "../../s3/byte-range.ts";
import { copySource } from "../../s3/copy-source.ts";
import { invalidArgument, S3Error } from "../../s3/errors.ts";
import { attributesEtag, quoted } from "../../s3/etag.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { textElement, xmlDocument, xmlTime } from "../../xml/write.ts";
import { openSource, sourceBody, sourceContent } from "../object/copy-content.ts";
import { type FoundSource, findSource } from "../object/copy-from.ts";
import { noSuchUpload, openUpload, partNumberOf } from "./find-upload.ts";
import { partChecksumXml } from "./list-parts.ts";
import { putPart } from "./put-part.ts";
import { uploadChecksum } from "./upload-checksum.ts";

/** The most that one part may have. */
const PART_BYTES_MAX = 5 * 1024 ** 3;

/** Makes an object, or a range of one, a part of an upload; a whole one by metadata alone where that can be. */
export const uploadPartCopy: Operation = {
  name: "UploadPartCopy",
  method: "PUT",
  level: "object",
  query: "partNumber&uploadId",
  header: "x-amz-copy-source",
  action: "PutObject",
  run: runUploadPartCopy,
};

type Said = Pick<ObjectAttributes, "md5" | "checksums">;

async function runUploadPartCopy(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  partNumberOf(request);
  const named = copySource(request.headers);
  if (named === undefined) throw new S3Error("InvalidRequest");
  const upload = await openUpload(request, parts);
  const source = await findSource(request, parts, named);
  const range = sourceRange(request, source.entry.sizeBytes);
  const shared = range === undefined ? await shareWhole(request, parts, upload, source) : undefined;
  const written =
    shared === undefined ? await sendRange(request, parts, upload, source, range) : undefined;
  const said: Said = shared ?? written?.object ?? { md5: new Uint8Array(0), checksums: [] };
  const body = xmlDocument(
    "CopyPartResult",
    textElement("LastModified", xmlTime(parts.clock.now())),
    textElement("ETag", quoted(attributesEtag({ md5: said.md5, partCount: 0 }))),
    partChecksumXml(said),
  );
  return {
    status: 200,
    headers: {
      ...(source.versionId !== "" && { "x-amz-copy-source-version-id": source.versionId }),
      ...written?.encryption?.headers,
    },
    body,
  };
}

/** The bytes that are asked for; `undefined`: all of them. */
function sourceRange({ headers }: S3Request, sizeBytes: number): RequestedRange | undefined {
  const header = headers["x-amz-copy-source-range"];
  if (header === undefined) return undefined;
  const [, first, last] = /^bytes=(\d{1,16})-(\d{1,16})$/.exec(header.trim()) ?? [];
  if (first === undefined || last === undefined || Number(last) < Number(first)) {
    throw invalidArgument(
      "x-amz-copy-source-range",
      header,
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
    );
  }
  if (Number(last) >= sizeBytes) {
    throw invalidArgument(
      "x-amz-copy-source-range",
      header,
      `Range specified is not valid for source object of size: ${sizeBytes}`,
    );
  }
  return { firstByte: Number(first), lastByte: Number(last) };
}

/** `undefined` where the bytes have to be sent: nobody knows the MD5 of the content, or it is to be encrypted. */
async function shareWhole(
  request: S3Request,
  parts: GatewayParts,
  upload: MultipartUpload,
  { named, entry, object }: FoundSource,
): Promise<Said | undefined> {
  const { bucket, key, signal } = request;
  const algorithm = uploadChecksum(upload.object)?.algorithm;
  const checksums = object.checksums.filter(
    (checksum) => checksum.algorithm === algorithm && !checksum.isComposite,
  );
  const isPlain =
    object.md5.byteLength > 0 &&
    object.partCount === 0 &&
    object.encryption.byteLength === 0 &&
    upload.object.encryption.byteLength === 0;
  if (!isPlain || entry.sizeBytes > PART_BYTES_MAX) return undefined;
  if (algorithm !== undefined && checksums.length === 0) return undefined;
  const said = { md5: object.md5, checksums };
  const { uploadId } = upload;
  try {
    await parts.client.multiparts.copyPart(
      bucket,
      key,
      { uploadId, number: partNumberOf(request) },
      { ...named, inodeId: entry.inodeId },
      { object: said, signal },
    );
    return said;
  } catch (error) {
    if (hasReason(error, "conflictingState", "invalidArgument", "preconditionFailed")) {
      return undefined;
    }
    throw noSuchUpload(error, uploadId);
  }
}

async function sendRange(
  request: S3Request,
  parts: GatewayParts,
  upload: MultipartUpload,
  source: FoundSource,
  range: RequestedRange | undefined,
) {
  const { sizeBytes } = source.entry;
  const lengthBytes = range === undefined ? sizeBytes : range.lastByte - range.firstByte + 1;
  const opened = await openSource(request, parts, source, range?.firstByte ?? 0);
  const bytes = sourceContent(request, parts, opened, range);
  // Checksums among the headers would be of a body, which there is none of.
  return putPart(request, parts, upload, sourceBody(bytes, lengthBytes), {});
}
