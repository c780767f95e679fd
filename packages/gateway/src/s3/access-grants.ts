import type { Grant, Grantee } from "@cairnfs/access/decide";
import type { AclGrant, AclGrants, AclPermission } from "../acl/acl.ts";

/** What is done to an object's content and ACL: its owner and its ACL say who may, not the owner of the bucket. */
const OBJECT_OWNERS = [
  "GetObject",
  "GetObjectVersion",
  "GetObjectAttributes",
  "GetObjectVersionAttributes",
  "GetObjectTorrent",
  "GetObjectAcl",
  "GetObjectVersionAcl",
  "PutObjectAcl",
  "PutObjectVersionAcl",
] as const;
const OBJECT_OWNERS_SET: ReadonlySet<string> = new Set(OBJECT_OWNERS);

const TAGGING = [
  "GetObjectTagging",
  "GetObjectVersionTagging",
  "PutObjectTagging",
  "PutObjectVersionTagging",
  "DeleteObjectTagging",
  "DeleteObjectVersionTagging",
] as const;

const BUCKET_ACTIONS: Readonly<Record<AclPermission, readonly string[]>> = {
  READ: ["ListBucket", "ListBucketVersions", "ListBucketMultipartUploads"],
  WRITE: ["PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts"],
  READ_ACP: ["GetBucketAcl"],
  WRITE_ACP: ["PutBucketAcl"],
  FULL_CONTROL: [],
};
const OBJECT_ACTIONS: Readonly<Record<AclPermission, readonly string[]>> = {
  READ: ["GetObject", "GetObjectVersion", "GetObjectAttributes", "GetObjectVersionAttributes"],
  WRITE: [],
  READ_ACP: ["GetObjectAcl", "GetObjectVersionAcl"],
  WRITE_ACP: ["PutObjectAcl", "PutObjectVersionAcl"],
  FULL_CONTROL: [],
};

/** Whether an action is one that the object's owner and ACL decide on, so that the object must be known. */
export function needsObject(action: string): boolean {
  return OBJECT_OWNERS_SET.has(action);
}

/** What the owner of a bucket may do: everything but what is for owners of objects, which `isEveryObjects` adds. */
export function bucketOwnerGrants(
  ownerId: string,
  action: string,
  isEveryObjects: boolean,
): Grant[] {
  if (needsObject(action) && !isEveryObjects) return [];
  return [{ grantee: { kind: "user", id: ownerId }, actions: ["s3:*"] }];
}

/** What the owner of an object may do with it. */
export function objectOwnerGrants(ownerId: string): Grant[] {
  const actions = [...OBJECT_OWNERS, ...TAGGING].map((action) => `s3:${action}`);
  return [{ grantee: { kind: "user", id: ownerId }, actions }];
}

/** What somebody who does not sign may say of what it writes where everybody may write. */
export function strangerGrants(): Grant[] {
  return [{ grantee: { kind: "everyone" }, actions: ["s3:PutObjectAcl", "s3:PutObjectTagging"] }];
}

/** What an ACL of a bucket lets its grantees do. */
export function bucketAclGrants(grants: AclGrants, ignoresPublic: boolean): Grant[] {
  return aclGrants(grants, BUCKET_ACTIONS, ignoresPublic);
}

/** What an ACL of an object lets its grantees do. */
export function objectAclGrants(grants: AclGrants, ignoresPublic: boolean): Grant[] {
  return aclGrants(grants, OBJECT_ACTIONS, ignoresPublic);
}

function aclGrants(
  grants: AclGrants,
  byPermission: Readonly<Record<AclPermission, readonly string[]>>,
  ignoresPublic: boolean,
): Grant[] {
  return grants.flatMap((grant): Grant[] => {
    const grantee = granteeOf(grant, ignoresPublic);
    if (grantee === undefined) return [];
    const names =
      grant.permission === "FULL_CONTROL"
        ? Object.values(byPermission).flat()
        : byPermission[grant.permission];
    return [{ grantee, actions: names.map((name) => `s3:${name}`) }];
  });
}

function granteeOf({ grantee }: AclGrant, ignoresPublic: boolean): Grantee | undefined {
  if (grantee.kind === "user") return grantee;
  if (ignoresPublic || grantee.group === "LogDelivery") return undefined;
  return grantee.group === "AllUsers" ? { kind: "everyone" } : { kind: "users" };
}
