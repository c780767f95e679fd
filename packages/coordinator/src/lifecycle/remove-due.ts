import { hasReason } from "@cairnfs/base/errors";
import type { KvReader } from "@cairnfs/kv/kv-store";
import { VERSIONING } from "../buckets/bucket-record.ts";
import { readBucket, readTopDirectory } from "../buckets/read-bucket.ts";
import type { InodeId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { type Path, parseLenientPath } from "../namespace/path.ts";
import { NO_PRECONDITION } from "../namespace/precondition.ts";
import { requireVersion } from "../objects/read-version.ts";
import { removeObject } from "../objects/remove-object.ts";
import type { DueVersion } from "./due-versions.ts";

export interface LifecycleBucket {
  readonly name: string;
  readonly id: InodeId;
}

/** Where the object is that a rule wants to go. */
export function pathOfDue(bucket: LifecycleBucket, due: DueVersion): Path {
  return { ...parseLenientPath(`/${bucket.name}/${due.key}`), isKey: true };
}

/**
 * Lets a version go, or a newest one expire, as S3's removal does: unless it is another one by now, or is locked. Says whether it went. In a bucket
 * without versioning the object goes for good.
 */
export async function removeDue(
  mutation: Mutation,
  bucket: LifecycleBucket,
  due: DueVersion,
): Promise<boolean> {
  const { tx } = mutation;
  const directory = await readTopDirectory(tx, bucket.name);
  if (directory?.inodeId !== bucket.id) return false;
  const path = pathOfDue(bucket, due);
  const isStill = due.entryVersion !== undefined || (await isStillSo(tx, path, due));
  if (!isStill) return false;
  const { versioning } = await readBucket(tx, bucket.id);
  const isExpiry = due.what === "object" && versioning !== VERSIONING.never;
  const { existed, isDeleteMarker } = await removeObject(mutation, {
    path,
    choice: isExpiry ? undefined : due.choice,
    precondition:
      due.entryVersion === undefined
        ? NO_PRECONDITION
        : { kind: "version", value: due.entryVersion },
    bypassesGovernance: false,
    owner: "",
  });
  return existed || isDeleteMarker;
}

/** Whether a version is there and stands where it stood: what has become the newest since must not go as one that was not. */
async function isStillSo(reader: KvReader, path: Path, due: DueVersion): Promise<boolean> {
  try {
    return (await requireVersion(reader, path, due.choice)).isLatest === due.isLatest;
  } catch (error) {
    if (hasReason(error, "pathNotFound", "versionNotFound")) return false;
    throw error;
  }
}
