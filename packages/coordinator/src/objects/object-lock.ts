import { CairnError } from "@cairnfs/base/errors";
import type { ObjectAttributes } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { type BucketRecord, RETENTION_MODE } from "../buckets/bucket-record.ts";
import type { FileEntry } from "../namespace/entry.ts";
import { decodeObjectAttributes, encodeKept } from "./object-attributes.ts";

const DAY_MS = 86_400_000;
const YEAR_DAYS = 365;

/** Who wants to change or remove a version, and when. */
export interface LockTerms {
  readonly path: string;
  readonly nowMs: number;
  /** May do so under governance retention. */
  readonly bypassesGovernance: boolean;
}

/** Throws `objectLocked` while a version of a bucket with object lock may not be removed. */
export function checkRemovable(bucket: BucketRecord, file: FileEntry, terms: LockTerms): void {
  if (!bucket.hasObjectLock) return;
  const attributes = decodeObjectAttributes(file.object);
  if (attributes.hasLegalHold) {
    throw new CairnError("objectLocked", `a legal hold keeps a version of ${terms.path}`);
  }
  if (isRetained(attributes, terms)) throw retained(attributes, terms);
}

/**
 * Throws unless what is said of a version may be changed so: `objectLocked` for a retention that would become shorter or of another mode,
 * `conflictingState` for one in a bucket without object lock.
 */
export function checkLockChange(
  bucket: BucketRecord,
  before: Uint8Array | undefined,
  after: ObjectAttributes,
  terms: LockTerms,
): void {
  const { retentionMode, retainUntilMs, hasLegalHold } = after;
  if (!bucket.hasObjectLock) {
    if (retentionMode === 0 && !hasLegalHold) return;
    throw new CairnError(
      "conflictingState",
      `the bucket of ${terms.path} has no object lock: its versions are neither retained nor held`,
    );
  }
  const kept = decodeObjectAttributes(before);
  const isOther = retentionMode !== kept.retentionMode || retainUntilMs < kept.retainUntilMs;
  if (isOther && isRetained(kept, terms)) throw retained(kept, terms);
}

function isRetained(
  { retentionMode, retainUntilMs }: ObjectAttributes,
  { nowMs, bypassesGovernance }: LockTerms,
): boolean {
  if (retainUntilMs <= BigInt(nowMs)) return false;
  if (retentionMode === RETENTION_MODE.governance) return !bypassesGovernance;
  return retentionMode === RETENTION_MODE.compliance;
}

function retained({ retainUntilMs }: ObjectAttributes, { path }: LockTerms): CairnError {
  return new CairnError("objectLocked", `a version of ${path} is retained until ${retainUntilMs}`, {
    details: { retainUntilMs: Number(retainUntilMs) },
  });
}

/** What is said of a new version: with the bucket's default retention, unless it has one of its own. */
export function withDefaultRetention(
  { hasObjectLock, defaultRetention }: BucketRecord,
  object: Uint8Array | undefined,
  nowMs: number,
): Uint8Array | undefined {
  if (!hasObjectLock || defaultRetention === undefined) return object;
  const attributes = decodeObjectAttributes(object);
  if (attributes.retentionMode !== 0) return object;
  const { mode, days, years } = defaultRetention;
  attributes.retentionMode = mode;
  attributes.retainUntilMs = BigInt(nowMs + (days + years * YEAR_DAYS) * DAY_MS);
  return encodeKept(attributes);
}

/** Throws `objectLocked` when a directory of a bucket with object lock is to go, or to move, with what is in it. */
export function refuseLockedTree(bucket: BucketRecord, path: string): void {
  if (!bucket.hasObjectLock) return;
  throw new CairnError(
    "objectLocked",
    `${path} is in a bucket with object lock: its objects go and move one by one`,
  );
}
