const ANALYSIS = "what the gateway and the cluster measure is in their metrics";
const CLASSES = "there is one storage class";
const TABLES = "there are no metadata tables";

/** Operations of S3 that the gateway does not have; all of them are answered with NotImplemented. docs/reference/s3.md shows why. */
export const REFUSED_OPERATIONS: Readonly<Record<string, string>> = {
  CreateBucketMetadataConfiguration: TABLES,
  CreateBucketMetadataTableConfiguration: TABLES,
  CreateSession: "there are no directory buckets; requests need no session",
  DeleteBucketAnalyticsConfiguration: ANALYSIS,
  DeleteBucketIntelligentTieringConfiguration: CLASSES,
  DeleteBucketInventoryConfiguration: ANALYSIS,
  DeleteBucketMetadataConfiguration: TABLES,
  DeleteBucketMetadataTableConfiguration: TABLES,
  DeleteBucketMetricsConfiguration: ANALYSIS,
  GetBucketAbac: "policies know the tags of objects, not of buckets",
  GetBucketAnalyticsConfiguration: ANALYSIS,
  GetBucketIntelligentTieringConfiguration: CLASSES,
  GetBucketInventoryConfiguration: ANALYSIS,
  GetBucketMetadataConfiguration: TABLES,
  GetBucketMetadataTableConfiguration: TABLES,
  GetBucketMetricsConfiguration: ANALYSIS,
  GetObjectTorrent: "AWS has given it up too",
  ListBucketAnalyticsConfigurations: ANALYSIS,
  ListBucketIntelligentTieringConfigurations: CLASSES,
  ListBucketInventoryConfigurations: ANALYSIS,
  ListBucketMetricsConfigurations: ANALYSIS,
  ListDirectoryBuckets: "there are no directory buckets: it is answered as ListBuckets",
  PutBucketAbac: "policies know the tags of objects, not of buckets",
  PutBucketAnalyticsConfiguration: ANALYSIS,
  PutBucketIntelligentTieringConfiguration: CLASSES,
  PutBucketInventoryConfiguration: ANALYSIS,
  PutBucketMetricsConfiguration: ANALYSIS,
  SelectObjectContent: "objects are given as they are; AWS takes no new users of it",
  UpdateBucketMetadataInventoryTableConfiguration: TABLES,
  UpdateBucketMetadataJournalTableConfiguration: TABLES,
  UpdateObjectEncryption: "copy an object onto itself to encrypt it in another way",
  WriteGetObjectResponse: "there are no functions between objects and their readers",
};

/** What is to be known of operations that the gateway has. */
export const OPERATION_NOTES: Readonly<Record<string, string>> = {
  CopyObject:
    "by metadata alone, whatever the size; bytes move only where the copy is to be encrypted in another way. The ETag of an object in parts stays",
  CreateBucket:
    "the location constraint has to be the gateway's region. Without ownership controls the setting objectOwnership holds",
  DeleteBucketReplication: "there is none to delete",
  DeleteBucketWebsite: "there is none to delete",
  DeleteObjects: "each object is decided on by itself; conditions by ETag, time and size",
  GetBucketReplication: "always ReplicationConfigurationNotFoundError",
  GetBucketWebsite: "always NoSuchWebsiteConfiguration",
  ListObjectsV2: "StartAfter and tokens may be used together; an empty token is none",
  PostObject:
    "POST of a form by a browser, signed by version 4 or 2, or by nobody where everybody may write",
  PutBucketAccelerateConfiguration: "Suspended only; Enabled is NotImplemented",
  PutBucketAcl: "AccessControlListNotSupported under BucketOwnerEnforced",
  PutBucketEncryption: "AES256; keys of a key management service are NotImplemented",
  PutBucketLifecycleConfiguration:
    "expiration, noncurrent versions, delete markers and uploads; transitions to other storage classes are NotImplemented",
  PutBucketLogging: "stored and given back; no logs are delivered",
  PutBucketNotificationConfiguration: "stored and given back; no events are sent",
  PutBucketReplication: "always NotImplemented",
  PutBucketRequestPayment: "others than the owner then have to send x-amz-request-payer",
  PutBucketVersioning: "MFA delete is NotImplemented",
  PutBucketWebsite: "always NotImplemented",
  PutObject: "with x-amz-write-offset-bytes: adds to the object that is there",
  RenameObject:
    "x-amz-rename-source is a key of the bucket, or /bucket/key; when both keys end with / all objects of the prefix move at once, for its owner",
  RestoreObject: "always InvalidObjectState: nothing is archived",
  UploadPartCopy: "a whole object that is not encrypted becomes a part by metadata alone",
};
