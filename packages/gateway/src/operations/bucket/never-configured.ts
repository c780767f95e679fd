import { S3Error, type S3ErrorCode } from "../../s3/errors.ts";
import type { Operation } from "../../s3/operation.ts";

/** What buckets are never told, because it cannot be carried out: reading says that there is none, and setting is refused. */
export const NEVER_CONFIGURED: readonly Operation[] = [
  ...neverConfigured("Website", "website", "NoSuchWebsiteConfiguration", {
    get: "GetBucketWebsite",
    put: "PutBucketWebsite",
    remove: "DeleteBucketWebsite",
  }),
  ...neverConfigured("Replication", "replication", "ReplicationConfigurationNotFoundError", {
    get: "GetReplicationConfiguration",
    put: "PutReplicationConfiguration",
    remove: "PutReplicationConfiguration",
  }),
];

function neverConfigured(
  name: string,
  query: string,
  absent: S3ErrorCode,
  actions: { readonly get: string; readonly put: string; readonly remove: string },
): readonly Operation[] {
  const base = { level: "bucket", query } as const;
  return [
    {
      ...base,
      name: `GetBucket${name}`,
      method: "GET",
      action: actions.get,
      async run({ bucket }) {
        throw new S3Error(absent, { details: { BucketName: bucket } });
      },
    },
    {
      ...base,
      name: `PutBucket${name}`,
      method: "PUT",
      action: actions.put,
      async run() {
        throw new S3Error("NotImplemented");
      },
    },
    {
      ...base,
      name: `DeleteBucket${name}`,
      method: "DELETE",
      action: actions.remove,
      run: () => Promise.resolve({ status: 204 }),
    },
  ];
}
