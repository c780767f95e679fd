import { readCors } from "../../documents/cors.ts";
import { readEncryption } from "../../documents/encryption.ts";
import { readLogging } from "../../documents/logging.ts";
import { readNotification } from "../../documents/notification.ts";
import { ownershipXml, readOwnership } from "../../documents/ownership.ts";
import {
  publicAccessBlockXml,
  readPublicAccessBlock,
} from "../../documents/public-access-block.ts";
import { readRequestPayment } from "../../documents/request-payment.ts";
import { storedContent } from "../../documents/stored.ts";
import { MAX_BUCKET_TAGS, readTagging, tagSetXml } from "../../documents/tagging.ts";
import { S3Error } from "../../s3/errors.ts";
import type { GatewayParts, Operation, S3Request } from "../../s3/operation.ts";
import { readDocument, requiredWord } from "../../xml/fields.ts";
import { readXml } from "../../xml/read.ts";
import { type DocumentKind, documentOperations } from "./documents.ts";

const KINDS: readonly DocumentKind[] = [
  {
    name: "cors",
    rootName: "CORSConfiguration",
    query: "cors",
    operations: { get: "GetBucketCors", put: "PutBucketCors", remove: "DeleteBucketCors" },
    actions: { get: "GetBucketCORS", put: "PutBucketCORS" },
    absent: { code: "NoSuchCORSConfiguration" },
    read(document) {
      readCors(document);
      return storedContent(readXml(document));
    },
  },
  {
    name: "tagging",
    rootName: "Tagging",
    query: "tagging",
    operations: { get: "GetBucketTagging", put: "PutBucketTagging", remove: "DeleteBucketTagging" },
    actions: { get: "GetBucketTagging", put: "PutBucketTagging" },
    absent: { code: "NoSuchTagSet" },
    putStatus: 204,
    read(document) {
      const tags = readTagging(document, MAX_BUCKET_TAGS);
      return Object.keys(tags).length === 0 ? undefined : tagSetXml(tags);
    },
  },
  {
    name: "encryption",
    rootName: "ServerSideEncryptionConfiguration",
    query: "encryption",
    operations: {
      get: "GetBucketEncryption",
      put: "PutBucketEncryption",
      remove: "DeleteBucketEncryption",
    },
    actions: { get: "GetEncryptionConfiguration", put: "PutEncryptionConfiguration" },
    absent: { code: "ServerSideEncryptionConfigurationNotFoundError" },
    read: readEncryption,
  },
  {
    name: "ownership",
    rootName: "OwnershipControls",
    query: "ownershipControls",
    operations: {
      get: "GetBucketOwnershipControls",
      put: "PutBucketOwnershipControls",
      remove: "DeleteBucketOwnershipControls",
    },
    actions: { get: "GetBucketOwnershipControls", put: "PutBucketOwnershipControls" },
    absent: { code: "OwnershipControlsNotFoundError" },
    read: (document, request, parts) => checkedOwnership(document, request, parts),
  },
  {
    name: "publicAccessBlock",
    rootName: "PublicAccessBlockConfiguration",
    query: "publicAccessBlock",
    operations: {
      get: "GetPublicAccessBlock",
      put: "PutPublicAccessBlock",
      remove: "DeletePublicAccessBlock",
    },
    actions: { get: "GetBucketPublicAccessBlock", put: "PutBucketPublicAccessBlock" },
    absent: { code: "NoSuchPublicAccessBlockConfiguration" },
    read: (document) => publicAccessBlockXml(readPublicAccessBlock(document)),
  },
  {
    name: "notification",
    rootName: "NotificationConfiguration",
    query: "notification",
    operations: {
      get: "GetBucketNotificationConfiguration",
      put: "PutBucketNotificationConfiguration",
    },
    actions: { get: "GetBucketNotification", put: "PutBucketNotification" },
    absent: { content: "" },
    read: (document) => readNotification(document) || undefined,
  },
  {
    name: "logging",
    rootName: "BucketLoggingStatus",
    query: "logging",
    operations: { get: "GetBucketLogging", put: "PutBucketLogging" },
    actions: { get: "GetBucketLogging", put: "PutBucketLogging" },
    absent: { content: "" },
    read: (document, request, parts) => checkedLogging(document, request, parts),
  },
  {
    name: "requestPayment",
    rootName: "RequestPaymentConfiguration",
    query: "requestPayment",
    operations: { get: "GetBucketRequestPayment", put: "PutBucketRequestPayment" },
    actions: { get: "GetBucketRequestPayment", put: "PutBucketRequestPayment" },
    absent: { content: "<Payer>BucketOwner</Payer>" },
    read: (document) => `<Payer>${readRequestPayment(document)}</Payer>`,
  },
  {
    name: "accelerate",
    rootName: "AccelerateConfiguration",
    query: "accelerate",
    operations: {
      get: "GetBucketAccelerateConfiguration",
      put: "PutBucketAccelerateConfiguration",
    },
    actions: { get: "GetAccelerateConfiguration", put: "PutAccelerateConfiguration" },
    absent: { content: "" },
    read(document) {
      const root = readDocument(document, "AccelerateConfiguration");
      if (requiredWord(root, "Status", ["Enabled", "Suspended"] as const) === "Enabled") {
        throw new S3Error("NotImplemented", {
          message: "Transfer acceleration is not implemented.",
        });
      }
      return "<Status>Suspended</Status>";
    },
  },
];

/** The operations on those documents of a bucket that are kept as they come. */
export const DOCUMENT_OPERATIONS: readonly Operation[] = KINDS.flatMap(documentOperations);

/** A bucket whose ACL grants to others cannot leave its ACLs without effect. */
async function checkedOwnership(
  document: string,
  request: S3Request,
  parts: GatewayParts,
): Promise<string> {
  const ownership = readOwnership(document);
  if (ownership === "BucketOwnerEnforced") {
    const bucket = await parts.buckets.read(request.bucket, request.signal);
    if ((bucket.documents.get("acl")?.byteLength ?? 0) > 0) {
      throw new S3Error("InvalidBucketAclWithObjectOwnership");
    }
  }
  return ownershipXml(ownership);
}

async function checkedLogging(
  document: string,
  request: S3Request,
  parts: GatewayParts,
): Promise<string | undefined> {
  const target = readLogging(document);
  if (target === undefined) return undefined;
  const bucket = await parts.buckets.get(request.bucket);
  const owner = await parts.buckets.get(target.bucket).then(
    (found) => found.owner,
    (error: unknown) => {
      if (error instanceof S3Error && error.code === "NoSuchBucket") return undefined;
      throw error;
    },
  );
  if (owner !== bucket.owner) throw new S3Error("InvalidTargetBucketForLogging");
  return target.content;
}
