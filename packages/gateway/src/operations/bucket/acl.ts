import { type AclGrants, decodeAcl } from "../../acl/acl.ts";
import { aclXml } from "../../acl/acl-document.ts";
import { aclOfRequest } from "../../acl/ask-acl.ts";
import { bucketRules, ownershipOf } from "../../s3/bucket-rules.ts";
import type { GatewayParts, Operation, S3Reply } from "../../s3/operation.ts";
import { readText } from "../../s3/read-document.ts";
import type { ShownUser } from "../../s3/user-cache.ts";
import { xmlDocument } from "../../xml/write.ts";
import { setDocument } from "./documents.ts";

export const getBucketAcl: Operation = {
  name: "GetBucketAcl",
  method: "GET",
  level: "bucket",
  query: "acl",
  action: "GetBucketAcl",
  async run(request, parts) {
    const bucket = await parts.buckets.get(request.bucket);
    const ownerId = await parts.users.ownerId(bucket.owner, request.signal);
    const isEnforced = ownershipOf(bucket, parts.config) === "BucketOwnerEnforced";
    const kept = isEnforced ? undefined : bucket.documents.get("acl");
    return aclReply(parts, ownerId, decodeAcl(kept, ownerId), request.signal);
  },
};

export const putBucketAcl: Operation = {
  name: "PutBucketAcl",
  method: "PUT",
  level: "bucket",
  query: "acl",
  action: "PutBucketAcl",
  async run(request, parts) {
    const bucket = await parts.buckets.get(request.bucket);
    const ownerId = await parts.users.ownerId(bucket.owner, request.signal);
    const subject = {
      ownerId,
      bucketOwnerId: ownerId,
      isBucket: true,
      ownership: ownershipOf(bucket, parts.config),
      blocksPublic: bucketRules(bucket).block.blockPublicAcls,
    };
    const acl = await aclOfRequest(request, parts, subject, () => readText(request));
    await setDocument(request, parts, "acl", acl);
    return { status: 200 };
  },
};

/** The reply that shows an ACL. */
export async function aclReply(
  parts: GatewayParts,
  ownerId: string,
  grants: AclGrants,
  signal: AbortSignal,
): Promise<S3Reply> {
  const users = new Map<string, ShownUser>();
  const ids = grants.flatMap(({ grantee }) => (grantee.kind === "user" ? [grantee.id] : []));
  for (const id of new Set([ownerId, ...ids])) users.set(id, await parts.users.shown(id, signal));
  const shown = (id: string): ShownUser => users.get(id) ?? { id, name: undefined };
  const body = xmlDocument("AccessControlPolicy", aclXml(shown(ownerId), grants, shown));
  return { status: 200, body };
}
