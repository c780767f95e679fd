import { matchingActions } from "./actions.ts";
import type { Condition } from "./policy-document.ts";

const LISTINGS = ["ListBucket", "ListBucketVersions"];
const ACL_WRITES = [
  "CreateBucket",
  "PutBucketAcl",
  "PutObject",
  "PutObjectAcl",
  "PutObjectVersionAcl",
];
const OBJECT_WRITES = ["PutObject", "ReplicateObject"];
const TAG_WRITES = [
  "PutObject",
  "PutObjectTagging",
  "PutObjectVersionTagging",
  "ReplicateObject",
  "ReplicateTags",
];

/** Keys that only requests for these actions have; those that end with "/" go on with the name of a tag. */
const ACTIONS_BY_KEY: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  (
    [
      ["s3:prefix", LISTINGS],
      ["s3:delimiter", LISTINGS],
      ["s3:max-keys", LISTINGS],
      ["s3:x-amz-acl", ACL_WRITES],
      ["s3:x-amz-grant-full-control", ACL_WRITES],
      ["s3:x-amz-grant-read", ACL_WRITES],
      ["s3:x-amz-grant-read-acp", ACL_WRITES],
      ["s3:x-amz-grant-write", ACL_WRITES],
      ["s3:x-amz-grant-write-acp", ACL_WRITES],
      ["s3:x-amz-copy-source", OBJECT_WRITES],
      ["s3:x-amz-metadata-directive", OBJECT_WRITES],
      ["s3:requestobjecttag/", TAG_WRITES],
      ["s3:requestobjecttagkeys", TAG_WRITES],
    ] as const
  ).map(([key, names]) => [key, new Set(names.map((name) => `s3:${name}`.toLowerCase()))]),
);

/** Whether requests for the actions that a pattern stands for may have the key of the condition. */
export function mayHaveKey(actionPattern: string, { key }: Condition): boolean {
  const slash = key.indexOf("/");
  const name = slash === -1 ? key : key.slice(0, slash + 1);
  const isOfVersions = name === "s3:versionid";
  const allowed = ACTIONS_BY_KEY.get(name);
  if (allowed === undefined && !isOfVersions) return true;
  return matchingActions(actionPattern).some((action) =>
    isOfVersions ? mayNameVersion(action) : allowed?.has(action) === true,
  );
}

function mayNameVersion(action: string): boolean {
  return /version|retention|legalhold|restore/u.test(action);
}
