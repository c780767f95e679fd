import { hasReason } from "@cairnfs/base/errors";
import type { MultipartUpload } from "@cairnfs/client/objects/multiparts";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import type { RequestedRange } from "../../s3/byte-range.ts";
import { copySource } from "../../s3/copy-source.ts";
import { invalidArgument, S3Error } from "../../s3/errors.ts";
import { attributesEtag, quoted } from "../../s3/etag.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { checksumValueXml } from "../../s3/shown-checksum.ts";
import { textElement, xmlDocument, xmlTime } from "../../xml/write.ts";
import { openSource, sourceBody, sourceContent } from "../object/copy-content.ts";
import { type FoundSource, findSource } from "../object/copy-from.ts";
import { noSuchUpload, openUpload, partNumberOf } from "./find-upload.ts";
import { putPart } from "./put-part.ts";
import { partOfRange } from "./source-part.ts";
import { uploadChecksum } from "./upload-checksum.ts";

/** The most that one part may have. */
const PART_BYTES_MAX = 5 * 1024 ** 3;

/** Makes an object, or a range of one, a part of an upload; by metadata alone where that can be. */
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
  const shared = await share(request, parts, upload, source, range);
  const written =
    shared === undefined ? await sendRange(request, parts, upload, source, range) : undefined;
  const said: Said = shared ?? written?.object ?? { md5: new Uint8Array(0), checksums: [] };
  const body = xmlDocument(
    "CopyPartResult",
    textElement("LastModified", xmlTime(parts.clock.now())),
    textElement("ETag", quoted(attributesEtag({ md5: said.md5, partCount: 0 }))),
    checksumValueXml({ ...said, partCount: 0 }),
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

/** `undefined` where the bytes have to be sent: nobody knows the MD5 of just these, or they are or will be encrypted. */
async function share(
  request: S3Request,
  parts: GatewayParts,
  upload: MultipartUpload,
  source: FoundSource,
  range: RequestedRange | undefined,
): Promise<Said | undefined> {
  const { bucket, key, signal } = request;
  const { named, entry, object } = source;
  const isPlain = object.encryption.byteLength === 0 && upload.object.encryption.byteLength === 0;
  if (!isPlain) return undefined;
  const known = await knownOf(parts, source, range, signal);
  const said = known && saidOf(known, uploadChecksum(upload.object)?.algorithm);
  if (said === undefined) return undefined;
  const { uploadId } = upload;
  try {
    await parts.client.multiparts.copyPart(
      bucket,
      key,
      { uploadId, number: partNumberOf(request) },
      { ...named, inodeId: entry.inodeId, range: range && lengthOf(range) },
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

/** What is known of just these bytes. */
async function knownOf(
  parts: GatewayParts,
  { entry, object }: FoundSource,
  range: RequestedRange | undefined,
  signal: AbortSignal,
): Promise<Said | undefined> {
  const isAll =
    range === undefined || (range.firstByte === 0 && range.lastByte === entry.sizeBytes - 1);
  if (isAll && object.partCount === 0) {
    return entry.sizeBytes > PART_BYTES_MAX ? undefined : object;
  }
  const wanted = range ?? { firstByte: 0, lastByte: entry.sizeBytes - 1 };
  return (await partOfRange(parts, entry, wanted, signal))?.object;
}

/** What is said of the part, where that is known: with the checksum that the upload wants. */
function saidOf({ md5, checksums }: Said, algorithm: string | undefined): Said | undefined {
  const wanted = checksums.filter(
    (checksum) => checksum.algorithm === algorithm && !checksum.isComposite,
  );
  const isKnown = md5.byteLength > 0 && (algorithm === undefined || wanted.length > 0);
  return isKnown ? { md5, checksums: wanted } : undefined;
}

function lengthOf({ firstByte, lastByte }: RequestedRange) {
  return { offsetBytes: firstByte, lengthBytes: lastByte - firstByte + 1 };
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
