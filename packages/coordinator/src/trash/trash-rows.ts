import type { KvTransaction } from "@cairnfs/kv/kv-store";
import { count } from "../counters.ts";
import { trash, trashDues, trashPathKey, trashPaths, trashSizings } from "../keyspace.ts";
import type { EntryRecord } from "../namespace/entry.ts";
import { type TrashId, trashId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { NOTHING, sizeOf, type TrashRecord, type TrashSize } from "./trash-record.ts";

/** What goes to the trash. */
export interface Removed {
  readonly path: string;
  /** As it was; the caller has deleted its row. */
  readonly entry: EntryRecord;
  /** There may be something below it. */
  readonly hasChildren: boolean;
  readonly trashMs: number;
}

/** Puts what was removed in the trash, with its rows in the indexes and the counters. */
export function addTrash(mutation: Mutation, removed: Removed): readonly [TrashId, TrashRecord] {
  const { tx, nowMs } = mutation;
  const { path, entry } = removed;
  const id = trashId(mutation.nextId());
  const dueMs = nowMs + removed.trashMs;
  const size = removed.hasChildren ? undefined : sizeOf(entry);
  const record: TrashRecord = { path, removedMs: nowMs, dueMs, entry, size };
  trash.put(tx, id, record);
  trashPaths.put(tx, [trashPathKey(path), id], true);
  trashDues.put(tx, [dueMs, id], true);
  count(tx, "trashItems", 1);
  if (size === undefined) {
    count(tx, "trashUnsized", 1);
    const stack = [{ directoryId: entry.inodeId, after: "" }];
    trashSizings.put(tx, id, { size: sizeOf(entry), stack });
  } else {
    countSize(tx, size, 1);
  }
  return [id, record];
}

/** Takes an item out of the trash: what becomes of its entry is the caller's. */
export function dropTrash(tx: KvTransaction, id: TrashId, record: TrashRecord): void {
  trash.delete(tx, id);
  trashPaths.delete(tx, [trashPathKey(record.path), id]);
  trashDues.delete(tx, [record.dueMs, id]);
  count(tx, "trashItems", -1);
  if (record.size === undefined) {
    count(tx, "trashUnsized", -1);
    trashSizings.delete(tx, id);
  } else {
    countSize(tx, record.size, -1);
  }
}

/** Writes down what a tree in the trash adds up to. */
export function setTrashSize(
  tx: KvTransaction,
  id: TrashId,
  record: TrashRecord,
  size: TrashSize,
): void {
  countSize(tx, record.size ?? NOTHING, -1);
  if (record.size === undefined) count(tx, "trashUnsized", -1);
  trash.put(tx, id, { ...record, size });
  trashSizings.delete(tx, id);
  countSize(tx, size, 1);
}

function countSize(tx: KvTransaction, size: TrashSize, sign: 1 | -1): void {
  count(tx, "trashFiles", sign * size.files);
  count(tx, "trashDirectories", sign * size.directories);
  count(tx, "trashLogicalBytes", sign * size.logicalBytes);
  count(tx, "trashDiskBytes", sign * size.diskBytes);
}
