/**
 * What is kept of a bucket beside its directory, the value of `bukt`:
 *
 *     | version 1 | bucket version varint | owner text | region text | versioning u8 | has lock u8 |
 *     | optional default retention: mode u8, days varint, years varint |
 *
 * Versioning is 0 never had any, 1 enabled, 2 suspended; the mode of a retention 1 governance, 2 compliance; of its days and years one is 0.
 * docs/formats/keyspace.md is the register.
 */

import { recordCodec } from "@cairnfs/kv/record";
import type { InodeId } from "../namespace/ids.ts";

export const VERSIONING = { never: 0, enabled: 1, suspended: 2 } as const;
export type VersioningState = (typeof VERSIONING)[keyof typeof VERSIONING];

export const RETENTION_MODE = { governance: 1, compliance: 2 } as const;
export type RetentionModeNumber = (typeof RETENTION_MODE)[keyof typeof RETENTION_MODE];

/** How long new versions are retained unless they say so themselves: so many days, or years. */
export interface DefaultRetentionRecord {
  readonly mode: RetentionModeNumber;
  readonly days: number;
  readonly years: number;
}

/** What each call on an object wants to know of its bucket. The rest is in rows of its own. */
export interface BucketRecord {
  /** Grows with each change of the bucket; no two buckets that ever were share one. */
  readonly version: number;
  /** A user's id; empty: the root user. */
  readonly owner: string;
  readonly region: string;
  readonly versioning: VersioningState;
  /** With versioning only, and for good. */
  readonly hasObjectLock: boolean;
  readonly defaultRetention: DefaultRetentionRecord | undefined;
}

export const bucketCodec = recordCodec<BucketRecord>("bucket", {
  version: 1,
  write: (to, bucket) => {
    to.varint(bucket.version);
    to.text(bucket.owner);
    to.text(bucket.region);
    to.u8(bucket.versioning);
    to.bool(bucket.hasObjectLock);
    to.optional(bucket.defaultRetention, (into, retention) => {
      into.u8(retention.mode);
      into.varint(retention.days);
      into.varint(retention.years);
    });
  },
  read: (from) => ({
    version: from.varint(),
    owner: from.text(),
    region: from.text(),
    // What was written is one of them.
    versioning: from.u8() as VersioningState,
    hasObjectLock: from.bool(),
    defaultRetention: from.optional((of) => ({
      mode: of.u8() as RetentionModeNumber,
      days: of.varint(),
      years: of.varint(),
    })),
  }),
});

/** The record of a bucket that somebody made as a directory and nobody changed since. */
export function impliedBucket(id: InodeId): BucketRecord {
  return { ...IMPLIED, version: id };
}

const IMPLIED: Omit<BucketRecord, "version"> = {
  owner: "",
  region: "",
  versioning: VERSIONING.never,
  hasObjectLock: false,
  defaultRetention: undefined,
};
