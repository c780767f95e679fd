import { hasReason } from "@cairnfs/base/errors";
import type { BucketDetails } from "@cairnfs/client";
import { isBucketName } from "@cairnfs/protocol/bucket-name";
import { MAX_BUCKET_TAGS, readTagSet, tagSetXml } from "../../documents/tagging.ts";
import { S3Error } from "../../s3/errors.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { ownerId } from "../../s3/owner.ts";
import { readDocument } from "../../s3/read-document.ts";
import { childOf, childText } from "../../xml/read.ts";
import { newBucketDocuments } from "./new-bucket-documents.ts";

/** Where making a bucket that one has is no error. */
const LENIENT_REGION = "us-east-1";

/** Makes a bucket, the caller's. */
export const createBucket: Operation = {
  name: "CreateBucket",
  method: "PUT",
  level: "bucket",
  action: "CreateBucket",
  run: runCreateBucket,
};

async function runCreateBucket(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { bucket: name, headers, signal } = request;
  const { client, config, buckets } = parts;
  if (!isBucketName(name)) throw invalidName(name);
  const document = await readDocument(request, "CreateBucketConfiguration");
  const constraint =
    document === undefined ? "" : (childText(document, "LocationConstraint") ?? "");
  checkLocation(constraint, config.region);
  const owner = ownerId(request.caller);
  const hasObjectLock = headers["x-amz-bucket-object-lock-enabled"]?.toLowerCase() === "true";
  const documents = new Map(await newBucketDocuments(request, parts));
  const tags = document === undefined ? undefined : childOf(document, "Tags");
  if (tags !== undefined) {
    const kept = tagSetXml(readTagSet(tags, MAX_BUCKET_TAGS));
    documents.set("tagging", Buffer.from(kept));
  }
  const reply = {
    status: 200,
    headers: { location: `/${name}`, "x-amz-bucket-arn": `arn:aws:s3:::${name}` },
  };
  try {
    await client.buckets.create(name, {
      owner,
      region: config.region,
      hasObjectLock,
      documents,
      signal,
    });
    buckets.forget(name);
    return reply;
  } catch (error) {
    if (hasReason(error, "invalidPath", "invalidArgument")) {
      throw invalidName(name, error);
    }
    if (!hasReason(error, "pathExists")) throw error;
    const isOthers = error.details.owner !== owner;
    if (isOthers || hasOtherAcl(await buckets.read(name, signal), documents)) {
      throw new S3Error("BucketAlreadyExists", { details: { BucketName: name } });
    }
    if (config.region === LENIENT_REGION) return reply;
    throw new S3Error("BucketAlreadyOwnedByYou", { details: { BucketName: name } });
  }
}

function invalidName(name: string, cause?: unknown): S3Error {
  return new S3Error("InvalidBucketName", { details: { BucketName: name }, cause });
}

/** A bucket is not made again with another ACL than it has. */
function hasOtherAcl(
  { documents }: Pick<BucketDetails, "documents">,
  asked: ReadonlyMap<string, Uint8Array>,
): boolean {
  const none = new Uint8Array(0);
  return !Buffer.from(documents.get("acl") ?? none).equals(asked.get("acl") ?? none);
}

function checkLocation(constraint: string, region: string): void {
  if (constraint === "" || constraint === region) return;
  if (constraint === "EU" && region === "eu-west-1") return;
  throw new S3Error("InvalidLocationConstraint", {
    details: { LocationConstraint: constraint },
  });
}
