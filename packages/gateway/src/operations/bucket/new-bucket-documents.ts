import { aclOfHeaders } from "../../acl/ask-acl.ts";
import { ownershipFromHeader, ownershipXml } from "../../documents/ownership.ts";
import type { DocumentName } from "../../documents/stored.ts";
import { S3Error } from "../../s3/errors.ts";
import type { GatewayParts, S3Request } from "../../s3/operation.ts";
import { ownerId } from "../../s3/owner.ts";

/** What a bucket keeps from its beginning: the ACL and the ownership that the request's headers ask for. */
export async function newBucketDocuments(
  request: S3Request,
  parts: GatewayParts,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const documents = new Map<DocumentName, Uint8Array>();
  const header = request.headers["x-amz-object-ownership"];
  const chosen = header === undefined ? undefined : ownershipFromHeader(header);
  if (chosen !== undefined) documents.set("ownership", Buffer.from(ownershipXml(chosen)));
  const id = await parts.users.ownerId(ownerId(request.caller), request.signal);
  try {
    const acl = await aclOfHeaders(request, parts, {
      ownerId: id,
      bucketOwnerId: id,
      isBucket: true,
      ownership: chosen ?? parts.config.objectOwnership,
      blocksPublic: false,
    });
    if (acl.byteLength > 0) documents.set("acl", acl);
    return documents;
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== "AccessControlListNotSupported") throw error;
    throw new S3Error("InvalidBucketAclWithObjectOwnership", { cause: error });
  }
}
