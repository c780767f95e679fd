import type { MultipartUpload } from "@cairnfs/client/objects/multiparts";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import {
  beginEncryption,
  type WriteEncryption,
  wantedPartEncryption,
} from "../../encryption/object-encryption.ts";
import { S3Error } from "../../s3/errors.ts";
import type { GatewayParts, RequestBody, S3Request } from "../../s3/operation.ts";
import { MEMORY_PATIENCE_MS, ObjectPayload } from "../object/object-payload.ts";
import { contentAttributes } from "../object/put-object.ts";
import { noSuchUpload, partNumberOf } from "./find-upload.ts";
import { uploadChecksum } from "./upload-checksum.ts";

/** A part that was written. */
export interface WrittenPart {
  readonly object: Pick<ObjectAttributes, "md5" | "checksums" | "encryption">;
  readonly encryption: WriteEncryption | undefined;
}

/** Makes a payload the part that the request names, as the upload wants it: encrypted, and with its checksum. */
export async function putPart(
  request: S3Request,
  parts: GatewayParts,
  upload: MultipartUpload,
  body: RequestBody,
  checkedHeaders: S3Request["headers"],
): Promise<WrittenPart> {
  const { bucket, key, headers, signal } = request;
  const number = partNumberOf(request);
  const wanted = uploadChecksum(upload.object);
  const encryption = await beginEncryption(
    wantedPartEncryption(upload.object.encryption, headers),
    parts,
  );
  const payload = new ObjectPayload(body, checkedHeaders, {
    cipher: encryption?.cipher,
    fallback: wanted?.algorithm,
  });
  let said: WrittenPart["object"] | undefined;
  const finish = () => {
    said = contentAttributes(payload.finish(), encryption);
    refuseMismatch(said, wanted?.algorithm);
    return said;
  };
  const { uploadId } = upload;
  const source = await payload.source();
  await parts.client.multiparts
    .putPart(bucket, key, { uploadId, number }, source, {
      sizeBytes: payload.sizeBytes,
      memoryPatienceMs: MEMORY_PATIENCE_MS,
      finish,
      signal,
    })
    .catch((error: unknown) => {
      throw noSuchUpload(error, uploadId);
    });
  return { object: said ?? finish(), encryption };
}

function refuseMismatch({ checksums }: WrittenPart["object"], wanted: string | undefined): void {
  const [given] = checksums;
  if (wanted === undefined || given === undefined || given.algorithm === wanted) return;
  throw new S3Error("InvalidRequest", {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${wanted}, actual checksum Type: ${given.algorithm}`,
  });
}
