import { ACCOUNT_ID } from "@cairnfs/access/principal";
import type { BucketDetails } from "@cairnfs/client";
import { AccessDecider, isOwner, type WantedAccess } from "./access.ts";
import { bucketRules } from "./bucket-rules.ts";
import { copySource } from "./copy-source.ts";
import { S3Error } from "./errors.ts";
import { neededActions } from "./needed-actions.ts";
import type { GatewayParts, Operation, S3Request } from "./operation.ts";

/**
 * Refuses, as `AccessDenied`, what the caller may not do; what is to be done in a bucket that is not there is `NoSuchBucket`. What is left to
 * decide on the entry that the operation reads is what it resolves with.
 */
export async function authorize(
  operation: Operation,
  request: S3Request,
  parts: GatewayParts,
): Promise<S3Request["checkEntry"]> {
  const decider = new AccessDecider(request, parts);
  if (operation.level === "service" || operation.name === "CreateBucket") {
    authorizeInService(operation, request, parts, decider);
    return undefined;
  }
  const { bucket, key, query } = request;
  await checkBucket(await parts.buckets.get(bucket), request, parts);
  if (operation.decidesItself === true) return undefined;
  const versionId = query.get("versionId");
  const left: WantedAccess[] = [];
  for (const needed of neededActions(operation, request)) {
    const wanted = { ...needed, bucket, key, versionId };
    const isLeft = operation.checksEntry === true && (await decider.dependsOnObject(wanted));
    if (isLeft) left.push(wanted);
    else await decider.require(wanted);
  }
  await authorizeSource(request, parts, decider);
  if (left.length === 0) return undefined;
  return async (entry) => {
    for (const wanted of left) await decider.requireOn(wanted, entry);
  };
}

function authorizeInService(
  operation: Operation,
  request: S3Request,
  parts: GatewayParts,
  decider: AccessDecider,
): void {
  const { caller, bucket } = request;
  const isFree =
    parts.config.usersMakeBuckets && caller.kind === "user" && hasNone(caller.policies);
  const actions = isFree ? ["s3:ListAllMyBuckets", "s3:CreateBucket"] : ["s3:ListAllMyBuckets"];
  const grants = [{ grantee: { kind: "users" }, actions } as const];
  for (const { action } of neededActions(operation, request)) {
    const isAllowed = caller.kind === "user" && decider.mayDoInService(action, bucket, grants);
    if (!isAllowed) throw new S3Error("AccessDenied");
  }
}

function hasNone(policies: Readonly<Record<string, string>>): boolean {
  return Object.keys(policies).length === 0;
}

/** What is read to be copied has to be allowed as reading is. */
async function authorizeSource(
  request: S3Request,
  parts: GatewayParts,
  decider: AccessDecider,
): Promise<void> {
  const source = copySource(request.headers);
  if (source === undefined) return;
  const { bucket, key, versionId } = source;
  const expected = request.headers["x-amz-source-expected-bucket-owner"];
  await checkExpectedOwner(await parts.buckets.get(bucket), expected, request, parts);
  const action = versionId === undefined ? "GetObject" : "GetObjectVersion";
  await decider.require({ action, bucket, key, versionId });
}

async function checkBucket(
  bucket: BucketDetails,
  request: S3Request,
  parts: GatewayParts,
): Promise<void> {
  const { headers, caller } = request;
  await checkExpectedOwner(bucket, headers["x-amz-expected-bucket-owner"], request, parts);
  const isPaidByOthers = bucketRules(bucket).requesterPays && !isOwner(caller, bucket.owner);
  if (!isPaidByOthers) return;
  const agrees = headers["x-amz-request-payer"]?.toLowerCase() === "requester";
  if (caller.kind === "anonymous" || !agrees) throw new S3Error("AccessDenied");
}

async function checkExpectedOwner(
  bucket: BucketDetails,
  expected: string | undefined,
  request: S3Request,
  parts: GatewayParts,
): Promise<void> {
  if (expected === undefined || expected === ACCOUNT_ID) return;
  const owner = await parts.users.ownerId(bucket.owner, request.signal);
  if (expected !== owner) throw new S3Error("AccessDenied");
}

/**
 * What is told of an error of an operation on an object: that it is not there only to who may list the bucket, to others as `AccessDenied`.
 */
export async function hideMissing(
  error: unknown,
  request: S3Request,
  parts: GatewayParts,
): Promise<unknown> {
  const isMissing =
    error instanceof S3Error && (error.code === "NoSuchKey" || error.code === "NoSuchVersion");
  if (!isMissing || request.key === "") return error;
  const { bucket } = request;
  const mayList = await new AccessDecider(request, parts).mayDo({
    action: "ListBucket",
    bucket,
    key: "",
  });
  return mayList ? error : new S3Error("AccessDenied", { cause: error });
}
