import type { Operation } from "../../s3/operation.ts";
import { getBucketAcl, putBucketAcl } from "./acl.ts";
import { DOCUMENT_OPERATIONS } from "./document-kinds.ts";
import { deleteBucketLifecycle, getBucketLifecycle, putBucketLifecycle } from "./lifecycle.ts";
import { getBucketLocation } from "./location.ts";
import { NEVER_CONFIGURED } from "./never-configured.ts";
import { getObjectLockConfiguration, putObjectLockConfiguration } from "./object-lock.ts";
import {
  deleteBucketPolicy,
  getBucketPolicy,
  getBucketPolicyStatus,
  putBucketPolicy,
} from "./policy.ts";
import { getBucketVersioning, putBucketVersioning } from "./versioning.ts";

/** The operations on what is kept of a bucket. */
export const BUCKET_CONFIGURATION: readonly Operation[] = [
  ...DOCUMENT_OPERATIONS,
  ...NEVER_CONFIGURED,
  getBucketAcl,
  putBucketAcl,
  getBucketLifecycle,
  putBucketLifecycle,
  deleteBucketLifecycle,
  getBucketLocation,
  getBucketPolicy,
  putBucketPolicy,
  deleteBucketPolicy,
  getBucketPolicyStatus,
  getBucketVersioning,
  putBucketVersioning,
  getObjectLockConfiguration,
  putObjectLockConfiguration,
];
