/**
 * How far lifecycles were carried out, the value of `meta` `lifecycle`:
 *
 *     | version 1 | lap started ms varint | place u8 |
 *     place 1, between buckets:  | after sort name text |
 *     place 2, among versions:   | bucket text | key bytes | optional sequence varint | noncurrent varint |
 *     place 3, among uploads:    | bucket text | key bytes | upload id bytes |
 *
 * Place 0 is none: the lap has ended. docs/formats/keyspace.md is the register.
 */

import { CairnError } from "@cairnfs/base/errors";
import type { KvReader } from "@cairnfs/kv/kv-store";
import { recordCodec } from "@cairnfs/kv/record";
import { metaTable } from "../single-values.ts";

/** Where in a lap the next step goes on. */
export type LapPlace =
  | { readonly kind: "between"; readonly after: string }
  | {
      readonly kind: "versions";
      readonly bucket: string;
      /** Keys from this one on; with a sequence only what of this one is older than that version. */
      readonly key: Buffer;
      readonly sequence: number | undefined;
      /** How many noncurrent versions of the key were passed. */
      readonly noncurrent: number;
    }
  | {
      readonly kind: "uploads";
      readonly bucket: string;
      /** After this upload. */
      readonly key: Buffer;
      readonly uploadId: Uint8Array;
    };

export type VersionsPlace = Extract<LapPlace, { readonly kind: "versions" }>;
export type UploadsPlace = Extract<LapPlace, { readonly kind: "uploads" }>;

export interface LapState {
  /** 0: there was none yet. */
  readonly startedMs: number;
  /** Absent between laps. */
  readonly place: LapPlace | undefined;
}

const NEVER: LapState = { startedMs: 0, place: undefined };
const NOTHING = Buffer.alloc(0);

const PLACE = { none: 0, between: 1, versions: 2, uploads: 3 } as const;

export const lapStates = metaTable<"lifecycle", LapState>(
  recordCodec("lifecycle lap", {
    version: 1,
    write: (to, { startedMs, place }) => {
      to.varint(startedMs);
      to.u8(PLACE[place?.kind ?? "none"]);
      if (place === undefined) return;
      if (place.kind === "between") {
        to.text(place.after);
        return;
      }
      to.text(place.bucket);
      to.bytes(place.key);
      if (place.kind === "versions") {
        to.optional(place.sequence, (into, sequence) => into.varint(sequence));
        to.varint(place.noncurrent);
      } else {
        to.bytes(place.uploadId);
      }
    },
    read: (from) => {
      const startedMs = from.varint();
      const kind = from.u8();
      if (kind === PLACE.none) return { startedMs, place: undefined };
      if (kind === PLACE.between) {
        return { startedMs, place: { kind: "between", after: from.text() } };
      }
      const bucket = from.text();
      const key = Buffer.from(from.bytes());
      if (kind === PLACE.versions) {
        const sequence = from.optional((of) => of.varint());
        const noncurrent = from.varint();
        return { startedMs, place: { kind: "versions", bucket, key, sequence, noncurrent } };
      }
      if (kind !== PLACE.uploads) {
        throw new CairnError("internal", `a lifecycle lap is at the unknown place ${kind}`);
      }
      const uploadId = Buffer.from(from.bytes());
      return { startedMs, place: { kind: "uploads", bucket, key, uploadId } };
    },
  }),
);

/** The place at which a lap begins. */
export const LAP_START: LapPlace = { kind: "between", after: "" };

/** The place at which the versions of a bucket begin. */
export function versionsOf(bucket: string): VersionsPlace {
  return { kind: "versions", bucket, key: NOTHING, sequence: undefined, noncurrent: 0 };
}

/** The place at which the open uploads of a bucket begin. */
export function uploadsOf(bucket: string): UploadsPlace {
  return { kind: "uploads", bucket, key: NOTHING, uploadId: NOTHING };
}

export async function readLapState(reader: KvReader): Promise<LapState> {
  return (await lapStates.get(reader, "lifecycle")) ?? NEVER;
}
