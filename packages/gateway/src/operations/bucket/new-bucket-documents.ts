import type { GatewayParts, S3Request } from "../../s3/operation.ts";

/** What a bucket keeps from its beginning: the ACL and the ownership that the request's headers ask for, and its tags. */
export async function newBucketDocuments(
  _request: S3Request,
  _parts: GatewayParts,
): Promise<ReadonlyMap<string, Uint8Array>> {
  return new Map();
}
