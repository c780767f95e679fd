import { parseBucketPolicy } from "@cairnfs/access/check-policy";
import { isPublic } from "@cairnfs/access/is-public";
import type { PolicyDocument } from "@cairnfs/access/policy-document";
import { hasReason } from "@cairnfs/base/errors";
import { decodeAcl, isPublic as isAclPublic } from "../../acl/acl.ts";
import { keptDocument } from "../../documents/stored.ts";
import { bucketRules } from "../../s3/bucket-rules.ts";
import { S3Error } from "../../s3/errors.ts";
import type { Operation } from "../../s3/operation.ts";
import { readText } from "../../s3/read-document.ts";
import { textElement, xmlDocument } from "../../xml/write.ts";
import { setBucket, setDocument } from "./documents.ts";

const DOCUMENT_BYTES_MAX = 64 * 1024;

export const getBucketPolicy: Operation = {
  name: "GetBucketPolicy",
  method: "GET",
  level: "bucket",
  query: "policy",
  action: "GetBucketPolicy",
  async run(request, parts) {
    const policy = keptDocument(await parts.buckets.get(request.bucket), "policy");
    if (policy === undefined) throw noSuchPolicy(request.bucket);
    return { status: 200, headers: { "content-type": "application/json" }, body: policy };
  },
};

export const putBucketPolicy: Operation = {
  name: "PutBucketPolicy",
  method: "PUT",
  level: "bucket",
  query: "policy",
  action: "PutBucketPolicy",
  async run(request, parts) {
    const text = await readText(request, DOCUMENT_BYTES_MAX);
    const policy = parsed(text, request.bucket);
    const { block } = bucketRules(await parts.buckets.read(request.bucket, request.signal));
    if (block.blockPublicPolicy && isPublic(policy)) throw new S3Error("AccessDenied");
    await setDocument(request, parts, "policy", text);
    return { status: 204 };
  },
};

export const deleteBucketPolicy: Operation = {
  name: "DeleteBucketPolicy",
  method: "DELETE",
  level: "bucket",
  query: "policy",
  action: "DeleteBucketPolicy",
  async run(request, parts) {
    await setBucket(request, parts, { removedDocuments: ["policy"] });
    return { status: 204 };
  },
};

export const getBucketPolicyStatus: Operation = {
  name: "GetBucketPolicyStatus",
  method: "GET",
  level: "bucket",
  query: "policyStatus",
  action: "GetBucketPolicyStatus",
  async run(request, parts) {
    const bucket = await parts.buckets.get(request.bucket);
    const ownerId = await parts.users.ownerId(bucket.owner, request.signal);
    const isOpen =
      bucketRules(bucket).isPolicyPublic ||
      isAclPublic(decodeAcl(bucket.documents.get("acl"), ownerId));
    const body = xmlDocument("PolicyStatus", textElement("IsPublic", isOpen));
    return { status: 200, body };
  },
};

function parsed(text: string, bucket: string): PolicyDocument {
  try {
    return parseBucketPolicy(text, bucket);
  } catch (error) {
    if (!hasReason(error, "malformedPolicy")) throw error;
    throw new S3Error("MalformedPolicy", { message: error.message, cause: error });
  }
}

function noSuchPolicy(bucket: string): S3Error {
  return new S3Error("NoSuchBucketPolicy", { details: { BucketName: bucket } });
}
