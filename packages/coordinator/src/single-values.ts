/** What the store keeps one of: values under `meta`, by name. docs/formats/keyspace.md draws the records. */

import type { KvReader } from "@cairnfs/kv/kv-store";
import { type KeyCodec, restText } from "@cairnfs/kv/ordered-key";
import { recordCodec, type ValueCodec } from "@cairnfs/kv/record";
import { Table } from "@cairnfs/kv/table";
import { number, POSITION_BYTES } from "./keyspace.ts";

/** A typed view of some single values under `meta`. */
export function metaTable<Name extends string, V>(value: ValueCodec<V>): Table<Name, V> {
  // Names are written and looked up; nobody reads one back from its key.
  return new Table({ prefix: "meta", key: restText as KeyCodec<Name>, value });
}

export const metaNumbers = metaTable<"epoch" | "horizon" | "next-id", number>(number);

/** When the store epoch was what; oldest first. See chunks/epochs.ts. */
export interface EpochMark {
  readonly atMs: number;
  readonly epoch: number;
}

export const epochMarks = metaTable<"epoch-marks", readonly EpochMark[]>(
  recordCodec("epoch marks", {
    version: 1,
    write: (to, marks) =>
      to.list(marks, (into, mark) => {
        into.varint(mark.atMs);
        into.varint(mark.epoch);
      }),
    read: (from) => from.list((of) => ({ atMs: of.varint(), epoch: of.varint() })),
  }),
);

/** When a scrub was asked for, by node; of node 0, which is none, for all. */
export const scrubOrders = metaTable<"scrub-orders", ReadonlyMap<number, number>>(
  recordCodec("scrub orders", {
    version: 1,
    write: (to, orders) =>
      to.list([...orders], (into, [nodeNumber, requestedMs]) => {
        into.varint(nodeNumber);
        into.varint(requestedMs);
      }),
    read: (from) => new Map(from.list((of) => [of.varint(), of.varint()] as const)),
  }),
);

/** Up to where the change log was cut off. */
export const trimmedPosition = metaTable<"log-trimmed", Uint8Array>(
  recordCodec("position", {
    version: 1,
    write: (to, position) => to.fixed(position),
    read: (from) => from.fixed(POSITION_BYTES),
  }),
);

/** The epoch that placements are made in: from 1 on. */
export async function readEpoch(reader: KvReader): Promise<number> {
  return (await metaNumbers.get(reader, "epoch")) ?? 1;
}

/** Receipts of epochs up to this one are void. */
export async function readHorizon(reader: KvReader): Promise<number> {
  return (await metaNumbers.get(reader, "horizon")) ?? 0;
}
