import { CairnError } from "@cairnfs/base/errors";
import { bucketLifecycles, buckets } from "../keyspace.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { changeDocuments, type DocumentChanges } from "./bucket-documents.ts";
import {
  type BucketRecord,
  type DefaultRetentionRecord,
  VERSIONING,
  type VersioningState,
} from "./bucket-record.ts";
import { type FoundBucket, requireBucket } from "./read-bucket.ts";

/** What is absent stays as it is. */
export interface SetBucket {
  readonly name: string;
  readonly versioning: VersioningState | undefined;
  readonly hasObjectLock: boolean | undefined;
  /** "none" takes it away. */
  readonly defaultRetention: DefaultRetentionRecord | "none" | undefined;
  /** Encoded and checked; "none" takes it away. */
  readonly lifecycle: Uint8Array | "none" | undefined;
  readonly documents: DocumentChanges;
  /** The bucket must have it; 0: whatever it has. */
  readonly expectedVersion: number;
}

/**
 * Changes what is kept of a bucket. `conflictingState` for what the state of versioning and object lock does not allow: versioning that began can be
 * suspended but never be gone, object lock needs it enabled and stays.
 */
export async function setBucket(mutation: Mutation, request: SetBucket): Promise<FoundBucket> {
  const { tx } = mutation;
  const { name, expectedVersion, lifecycle } = request;
  const { entry, record: before } = await requireBucket(tx, name);
  if (expectedVersion !== 0 && expectedVersion !== before.version) {
    throw new CairnError(
      "preconditionFailed",
      `the bucket ${name} has version ${before.version}, expected ${expectedVersion}`,
      { details: { version: before.version } },
    );
  }
  const record: BucketRecord = {
    ...before,
    ...stateAfter(before, request),
    version: Math.max(mutation.nextId(), before.version + 1),
  };
  buckets.put(tx, entry.inodeId, record);
  if (lifecycle === "none") bucketLifecycles.delete(tx, entry.inodeId);
  else if (lifecycle !== undefined) bucketLifecycles.put(tx, entry.inodeId, lifecycle);
  await changeDocuments(tx, entry.inodeId, request.documents);
  return { name, entry, record };
}

type State = Pick<BucketRecord, "versioning" | "hasObjectLock" | "defaultRetention">;

function stateAfter(before: BucketRecord, request: SetBucket): State {
  const { name } = request;
  const versioning = request.versioning ?? before.versioning;
  const hasObjectLock = request.hasObjectLock ?? before.hasObjectLock;
  const wanted = request.defaultRetention ?? before.defaultRetention;
  const defaultRetention = wanted === "none" ? undefined : wanted;
  if (versioning === VERSIONING.never && before.versioning !== VERSIONING.never) {
    throw new CairnError(
      "conflictingState",
      `the bucket ${name} has or had versioning, which can be suspended only`,
    );
  }
  if (before.hasObjectLock && !hasObjectLock) {
    throw new CairnError("conflictingState", `the bucket ${name} has object lock, which stays`);
  }
  if (hasObjectLock && versioning !== VERSIONING.enabled) {
    throw new CairnError(
      "conflictingState",
      `object lock of the bucket ${name} needs versioning to be enabled`,
    );
  }
  if (defaultRetention !== undefined && !hasObjectLock) {
    throw new CairnError(
      "conflictingState",
      `the bucket ${name} has no object lock, which a default retention needs`,
    );
  }
  return { versioning, hasObjectLock, defaultRetention };
}
