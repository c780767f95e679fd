import type { BucketDetails, EntryAttributes } from "@cairnfs/client";
import type { ObjectAttributes } from "@cairnfs/client/objects/object-attributes";
import { aclOfHeaders } from "../acl/ask-acl.ts";
import { readLockHeaders } from "../documents/object-lock.ts";
import { readTaggingHeader } from "../documents/tagging.ts";
import { bucketRules, ownershipOf } from "./bucket-rules.ts";
import { S3Error } from "./errors.ts";
import { type DescribedObject, describedObject } from "./object-headers.ts";
import type { GatewayParts, S3Request } from "./operation.ts";
import { writerId } from "./owner.ts";
import { retentionMode } from "./retention-word.ts";

/** All that the headers of a write say of the object that it makes. */
export interface NewObject {
  readonly attributes: Required<Pick<EntryAttributes, "contentType" | "userMetadata">>;
  readonly object: Partial<ObjectAttributes>;
}

/** Reads the headers of a write: of the object itself, its tags, its lock, its ACL and whose it is. */
export async function newObject(
  request: S3Request,
  parts: GatewayParts,
  bucket: BucketDetails,
): Promise<NewObject> {
  const { headers: kept, ...attributes }: DescribedObject = describedObject(request.headers);
  const tagging = request.headers["x-amz-tagging"];
  const tags = tagging === undefined ? {} : readTaggingHeader(tagging);
  const owned = await ownedObject(request, parts, bucket);
  return { attributes, object: { headers: kept, tags, ...owned, ...lock(request, parts, bucket) } };
}

/** Whose the object of a write is, and its ACL. */
async function ownedObject(
  request: S3Request,
  parts: GatewayParts,
  bucket: BucketDetails,
): Promise<Pick<ObjectAttributes, "owner" | "acl">> {
  const ownership = ownershipOf(bucket, parts.config);
  const { headers, caller, signal } = request;
  const isGiven =
    ownership === "BucketOwnerEnforced" ||
    (ownership === "BucketOwnerPreferred" && headers["x-amz-acl"] === "bucket-owner-full-control");
  const owner = isGiven ? bucket.owner : writerId(caller);
  if (!saysAcl(headers)) return { owner, acl: NO_ACL };
  const acl = await aclOfHeaders(request, parts, {
    ownerId: await parts.users.ownerId(owner, signal),
    bucketOwnerId: await parts.users.ownerId(bucket.owner, signal),
    isBucket: false,
    ownership,
    blocksPublic: bucketRules(bucket).block.blockPublicAcls,
  });
  return { owner, acl };
}

const NO_ACL = new Uint8Array(0);

function saysAcl(headers: S3Request["headers"]): boolean {
  if (headers["x-amz-acl"] !== undefined) return true;
  for (const name in headers) if (name.startsWith("x-amz-grant-")) return true;
  return false;
}

function lock(
  { headers }: S3Request,
  { clock }: GatewayParts,
  bucket: BucketDetails,
): Partial<Pick<ObjectAttributes, "retentionMode" | "retainUntilMs" | "hasLegalHold">> {
  const asked = readLockHeaders((name) => headers[name], clock.now());
  const { retention, hasLegalHold } = asked;
  if (retention === undefined && hasLegalHold === undefined) return {};
  if (!bucket.hasObjectLock) {
    throw new S3Error("InvalidRequest", {
      message: "Bucket is missing Object Lock Configuration",
    });
  }
  return {
    ...(retention !== undefined && {
      retentionMode: retentionMode(retention.mode),
      retainUntilMs: retention.untilMs,
    }),
    ...(hasLegalHold !== undefined && { hasLegalHold }),
  };
}
