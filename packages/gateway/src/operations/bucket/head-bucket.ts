import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";

/** Whether a bucket is there and the caller may list it. */
export const headBucket: Operation = {
  name: "HeadBucket",
  method: "HEAD",
  level: "bucket",
  action: "ListBucket",
  run: runHeadBucket,
};

async function runHeadBucket(
  request: S3Request,
  { buckets, config }: GatewayParts,
): Promise<S3Reply> {
  const bucket = await buckets.get(request.bucket);
  return {
    status: 200,
    headers: {
      "x-amz-bucket-region": bucket.region === "" ? config.region : bucket.region,
      "x-amz-access-point-alias": "false",
      "content-type": "application/xml",
    },
  };
}
