import { beginEncryption, wantedEncryption } from "../../encryption/object-encryption.ts";
import { newObject } from "../../s3/new-object.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { ownerId } from "../../s3/owner.ts";
import { textElement, xmlDocument } from "../../xml/write.ts";
import { abortHeaders } from "./abort-headers.ts";
import { askedChecksum, keptChecksum, uploadChecksumHeaders } from "./upload-checksum.ts";

/** Begins an upload in parts; what the object is to be is said here. */
export const createMultipartUpload: Operation = {
  name: "CreateMultipartUpload",
  method: "POST",
  level: "object",
  query: "uploads",
  action: "PutObject",
  run: runCreateMultipartUpload,
};

async function runCreateMultipartUpload(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { headers, caller, key, signal } = request;
  const bucket = await parts.buckets.get(request.bucket);
  const { attributes, object } = await newObject(request, parts, bucket);
  const checksum = askedChecksum(headers);
  const encryption = await beginEncryption(wantedEncryption(headers, bucket), parts);
  const uploadId = await parts.client.multiparts.create(request.bucket, key, {
    ...attributes,
    object: {
      ...object,
      ...keptChecksum(checksum),
      ...(encryption !== undefined && { encryption: encryption.record }),
    },
    owner: object.owner,
    initiator: ownerId(caller),
    signal,
  });
  const body = xmlDocument(
    "InitiateMultipartUploadResult",
    textElement("Bucket", request.bucket),
    textElement("Key", key),
    textElement("UploadId", uploadId),
  );
  return {
    status: 200,
    headers: {
      ...uploadChecksumHeaders(checksum),
      ...encryption?.headers,
      ...abortHeaders(bucket, key, parts.clock.now()),
    },
    body,
  };
}
