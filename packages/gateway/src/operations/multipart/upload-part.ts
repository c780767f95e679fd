import { attributesEtag, quoted } from "../../s3/etag.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { checksumHeaders } from "../../s3/shown-checksum.ts";
import { requireLength } from "../object/object-payload.ts";
import { openUpload, partNumberOf } from "./find-upload.ts";
import { putPart } from "./put-part.ts";

/** Makes the body of the request a part of an upload, instead of the part of that number, if there is one. */
export const uploadPart: Operation = {
  name: "UploadPart",
  method: "PUT",
  level: "object",
  query: "partNumber&uploadId",
  action: "PutObject",
  run: runUploadPart,
};

async function runUploadPart(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  partNumberOf(request);
  requireLength(request.headers);
  const upload = await openUpload(request, parts);
  const { object, encryption } = await putPart(
    request,
    parts,
    upload,
    request.body,
    request.headers,
  );
  const { "x-amz-checksum-type": _, ...checksums } = checksumHeaders({ ...object, partCount: 0 });
  const etag = quoted(attributesEtag({ md5: object.md5, partCount: 0 }));
  return { status: 200, headers: { etag, ...checksums, ...encryption?.headers } };
}
