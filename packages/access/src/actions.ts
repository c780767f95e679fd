import { matches } from "./pattern.ts";

/** What an action is done to. */
export type ActionLevel = "service" | "bucket" | "object";

/** The actions of S3, without "s3:". */
const ACTIONS: Readonly<Record<ActionLevel, readonly string[]>> = {
  service: ["ListAllMyBuckets", "GetAccountPublicAccessBlock", "PutAccountPublicAccessBlock"],
  bucket: [
    "CreateBucket",
    "DeleteBucket",
    "DeleteBucketPolicy",
    "DeleteBucketWebsite",
    "GetAccelerateConfiguration",
    "GetAnalyticsConfiguration",
    "GetBucketAcl",
    "GetBucketCORS",
    "GetBucketLocation",
    "GetBucketLogging",
    "GetBucketNotification",
    "GetBucketObjectLockConfiguration",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketPublicAccessBlock",
    "GetBucketRequestPayment",
    "GetBucketTagging",
    "GetBucketVersioning",
    "GetBucketWebsite",
    "GetEncryptionConfiguration",
    "GetIntelligentTieringConfiguration",
    "GetInventoryConfiguration",
    "GetLifecycleConfiguration",
    "GetMetricsConfiguration",
    "GetReplicationConfiguration",
    "ListBucket",
    "ListBucketMultipartUploads",
    "ListBucketVersions",
    "PutAccelerateConfiguration",
    "PutAnalyticsConfiguration",
    "PutBucketAcl",
    "PutBucketCORS",
    "PutBucketLogging",
    "PutBucketNotification",
    "PutBucketObjectLockConfiguration",
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
    "PutBucketPublicAccessBlock",
    "PutBucketRequestPayment",
    "PutBucketTagging",
    "PutBucketVersioning",
    "PutBucketWebsite",
    "PutEncryptionConfiguration",
    "PutIntelligentTieringConfiguration",
    "PutInventoryConfiguration",
    "PutLifecycleConfiguration",
    "PutMetricsConfiguration",
    "PutReplicationConfiguration",
  ],
  object: [
    "AbortMultipartUpload",
    "BypassGovernanceRetention",
    "DeleteObject",
    "DeleteObjectTagging",
    "DeleteObjectVersion",
    "DeleteObjectVersionTagging",
    "GetObject",
    "GetObjectAcl",
    "GetObjectAttributes",
    "GetObjectLegalHold",
    "GetObjectRetention",
    "GetObjectTagging",
    "GetObjectTorrent",
    "GetObjectVersion",
    "GetObjectVersionAcl",
    "GetObjectVersionAttributes",
    "GetObjectVersionForReplication",
    "GetObjectVersionTagging",
    "GetObjectVersionTorrent",
    "InitiateReplication",
    "ListMultipartUploadParts",
    "PutObject",
    "PutObjectAcl",
    "PutObjectLegalHold",
    "PutObjectRetention",
    "PutObjectTagging",
    "PutObjectVersionAcl",
    "PutObjectVersionTagging",
    "ReplicateDelete",
    "ReplicateObject",
    "ReplicateTags",
    "RestoreObject",
    "UpdateObjectEncryption",
  ],
};

const LEVELS = new Map(
  Object.entries(ACTIONS).flatMap(([level, names]) =>
    names.map((name) => [`s3:${name}`.toLowerCase(), level as ActionLevel] as const),
  ),
);

/** What the actions that a pattern stands for are done to; empty when it stands for none. */
export function levelsOf(pattern: string): ReadonlySet<ActionLevel> {
  const levels = matchingActions(pattern).map((action) => LEVELS.get(action));
  return new Set(levels.filter((level) => level !== undefined));
}

/** The actions that a pattern stands for, in lower case and with "s3:". */
export function matchingActions(pattern: string): readonly string[] {
  const wanted = pattern.toLowerCase();
  if (LEVELS.has(wanted)) return [wanted];
  return [...LEVELS.keys()].filter((action) => matches(wanted, action));
}
