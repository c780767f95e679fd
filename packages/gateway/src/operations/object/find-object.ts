import { hasReason } from "@cairnfs/base/errors";
import { S3Error } from "../../s3/errors.ts";
import type { GatewayParts, S3Request } from "../../s3/operation.ts";

/** What a client is told when an object is not there: the bucket, the key or the version is not; any other error as it is. */
export async function noSuchObject(
  error: unknown,
  { bucket, key, query }: Pick<S3Request, "bucket" | "key" | "query">,
  { buckets }: Pick<GatewayParts, "buckets">,
): Promise<unknown> {
  if (hasReason(error, "versionNotFound")) {
    const versionId = query.get("versionId") ?? "";
    return new S3Error("NoSuchVersion", { details: { Key: key, VersionId: versionId } });
  }
  const isMissing = hasReason(
    error,
    "pathNotFound",
    "notADirectory",
    "isADirectory",
    "invalidPath",
  );
  if (!isMissing) return error;
  buckets.forget(bucket);
  await buckets.get(bucket);
  return new S3Error("NoSuchKey", { details: { Key: key }, cause: error });
}

/** What a client is told of an object whose newest version, or the one asked for, is a delete marker. */
export function deleteMarkerError(
  request: Pick<S3Request, "key" | "method">,
  version: { readonly versionId: string; readonly modifiedMs: number },
  isAskedFor: boolean,
): S3Error {
  const headers = {
    "x-amz-delete-marker": "true",
    ...(version.versionId !== "" && { "x-amz-version-id": version.versionId }),
  };
  if (!isAskedFor) {
    return new S3Error("NoSuchKey", { details: { Key: request.key }, headers });
  }
  return new S3Error("MethodNotAllowed", {
    details: { Method: request.method, ResourceType: "DeleteMarker" },
    headers: {
      ...headers,
      allow: "DELETE",
      "last-modified": new Date(version.modifiedMs).toUTCString(),
    },
  });
}
