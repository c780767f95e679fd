import type { KvReader, KvTransaction } from "@cairnfs/kv/kv-store";
import { impliedBucket, VERSIONING } from "../buckets/bucket-record.ts";
import { count } from "../counters.ts";
import { buckets, nullVersions, versions } from "../keyspace.ts";
import type { InodeId } from "../namespace/ids.ts";
import { isNullRecord } from "../objects/read-version.ts";
import type { VersionRecord } from "../objects/version-record.ts";
import { contentWrongs } from "./entry-checks.ts";
import type { Wrong } from "./finding.ts";
import { type RowCheck, rowCheck } from "./row-checks.ts";

/** What can be said of versions that are not in the tree, one by one. */
export function versionChecks(): readonly RowCheck[] {
  return [rowCheck(versions, lookAtVersion), rowCheck(nullVersions, lookAtNull)];
}

type VersionKey = readonly [InodeId, string, number];

async function lookAtVersion(
  reader: KvReader,
  key: VersionKey,
  record: VersionRecord,
): Promise<readonly Wrong[]> {
  const subject = versionName(key);
  const wrongs = [...(await bucketWrongs(reader, key)), ...(await nullWrongs(reader, key, record))];
  if (record.kind === "marker") return wrongs;
  const { entry } = record;
  const found = await contentWrongs(reader, subject, entry, (tx, right) => {
    versions.put(tx, key, { ...record, entry: right });
    count(tx, "versionBytes", right.sizeBytes - entry.sizeBytes);
  });
  return [...wrongs, ...found];
}

/** A bucket with versions has a record; without one nobody would know that they are there. */
async function bucketWrongs(reader: KvReader, [bucketId]: VersionKey): Promise<readonly Wrong[]> {
  if (await buckets.has(reader, bucketId)) return [];
  return [
    {
      kind: "versionsForgotten",
      subject: `bucket ${bucketId}`,
      message: "it has versions, and nothing says that it has versioning",
      mend: (tx) =>
        buckets.put(tx, bucketId, {
          ...impliedBucket(bucketId),
          versioning: VERSIONING.suspended,
        }),
    },
  ];
}

async function nullWrongs(
  reader: KvReader,
  key: VersionKey,
  record: VersionRecord,
): Promise<readonly Wrong[]> {
  const [bucketId, objectKey, sequence] = key;
  if (!isNullRecord(record)) return [];
  const listed = await nullVersions.get(reader, [bucketId, objectKey]);
  if (listed === sequence) return [];
  const message = `it is the version "null" and not listed as that`;
  return [
    {
      kind: "versionUnlisted",
      subject: versionName(key),
      message,
      // Where another one is listed, that one is as good.
      ...(listed === undefined && {
        mend: (tx) => nullVersions.put(tx, [bucketId, objectKey], sequence),
      }),
    },
  ];
}

async function lookAtNull(
  reader: KvReader,
  key: readonly [InodeId, string],
  sequence: number,
): Promise<readonly Wrong[]> {
  const [bucketId, objectKey] = key;
  const record = await versions.get(reader, [bucketId, objectKey, sequence]);
  if (record !== undefined && isNullRecord(record)) return [];
  const message = `it is listed as the version "null", and is not there as that`;
  const mend = (tx: KvTransaction) => nullVersions.delete(tx, key);
  const subject = versionName([bucketId, objectKey, sequence]);
  return [{ kind: "versionUnlisted", subject, message, mend }];
}

/** A version as a finding names it. */
export function versionName([bucketId, key, sequence]: VersionKey): string {
  return `version ${sequence} of ${JSON.stringify(key)} in bucket ${bucketId}`;
}
