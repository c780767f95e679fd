import { hasReason } from "@cairnfs/base/errors";
import { S3Error } from "../../s3/errors.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";

/** Removes a bucket that is empty. */
export const deleteBucket: Operation = {
  name: "DeleteBucket",
  method: "DELETE",
  level: "bucket",
  action: "DeleteBucket",
  run: runDeleteBucket,
};

async function runDeleteBucket(
  request: S3Request,
  { client, buckets }: GatewayParts,
): Promise<S3Reply> {
  const { bucket, signal } = request;
  try {
    await client.buckets.remove(bucket, { signal });
  } catch (cause) {
    if (!hasReason(cause, "pathNotFound", "invalidPath")) throw cause;
    throw new S3Error("NoSuchBucket", { details: { BucketName: bucket }, cause });
  } finally {
    buckets.forget(bucket);
  }
  return { status: 204 };
}
