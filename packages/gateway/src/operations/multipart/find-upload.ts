import { hasReason } from "@cairnfs/base/errors";
import type { MultipartUpload } from "@cairnfs/client/objects/multiparts";
import { MAX_PARTS } from "../../documents/complete-multipart.ts";
import { invalidArgument, S3Error } from "../../s3/errors.ts";
import type { GatewayParts, S3Request } from "../../s3/operation.ts";

/** The id that a request names its upload by. */
export function uploadIdOf({ query }: Pick<S3Request, "query">): string {
  return query.get("uploadId") ?? "";
}

/** The number that a request names a part by, of an upload or of an object: 1 to 10,000. */
export function partNumberOf({ query }: Pick<S3Request, "query">): number {
  const text = query.get("partNumber") ?? "";
  const number = Number(text);
  if (!/^\d{1,9}$/.test(text) || number < 1 || number > MAX_PARTS) {
    throw invalidArgument(
      "partNumber",
      text,
      `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`,
    );
  }
  return number;
}

/** The open upload that a request names; `NoSuchUpload` when there is none, or not any more. */
export async function openUpload(
  request: S3Request,
  parts: GatewayParts,
): Promise<MultipartUpload> {
  const { bucket, key, signal } = request;
  const uploadId = uploadIdOf(request);
  const found = await parts.client.multiparts
    .stat(bucket, key, uploadId, { signal })
    .catch((error: unknown) => {
      throw noSuchUpload(error, uploadId);
    });
  if (found.completed !== undefined) throw noSuchUpload(undefined, uploadId);
  return found.upload;
}

/** What a client is told when its upload is not there; any other error as it is. */
export function noSuchUpload(error: unknown, uploadId: string): unknown {
  const isMissing =
    error === undefined ||
    hasReason(error, "uploadNotFound", "pathNotFound", "notADirectory", "invalidPath");
  if (!isMissing) return error;
  return new S3Error("NoSuchUpload", { details: { UploadId: uploadId }, cause: error });
}
