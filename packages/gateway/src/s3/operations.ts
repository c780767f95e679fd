import { BUCKET_CONFIGURATION } from "../operations/bucket/configuration.ts";
import { createBucket } from "../operations/bucket/create-bucket.ts";
import { deleteBucket } from "../operations/bucket/delete-bucket.ts";
import { headBucket } from "../operations/bucket/head-bucket.ts";
import { listObjectVersions } from "../operations/listing/list-object-versions.ts";
import { listObjects, listObjectsV2 } from "../operations/listing/list-objects.ts";
import { MULTIPART_OPERATIONS } from "../operations/multipart/table.ts";
import { deleteObject } from "../operations/object/delete-object.ts";
import { getObject, headObject } from "../operations/object/get-object.ts";
import { putObject } from "../operations/object/put-object.ts";
import { OBJECT_OPERATIONS } from "../operations/object/table.ts";
import { listBuckets } from "../operations/service/list-buckets.ts";
import type { Operation } from "./operation.ts";

/** Everything that the gateway can do. */
export const OPERATIONS: readonly Operation[] = [
  listBuckets,

  createBucket,
  headBucket,
  deleteBucket,
  ...BUCKET_CONFIGURATION,

  listObjects,
  listObjectsV2,
  listObjectVersions,
  putObject,
  getObject,
  headObject,
  deleteObject,
  ...OBJECT_OPERATIONS,

  ...MULTIPART_OPERATIONS,
];
