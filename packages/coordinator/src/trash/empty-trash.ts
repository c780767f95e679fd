import { entries, trash } from "../keyspace.ts";
import type { Dropping } from "../namespace/drop-file.ts";
import type { EntryRecord } from "../namespace/entry.ts";
import type { TrashId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { letGo } from "./let-go.ts";
import { listTrash } from "./list-trash.ts";
import { NOTHING, sumOf, type TrashRecord, type TrashSize } from "./trash-record.ts";
import { dropTrash } from "./trash-rows.ts";

/** So many items are let go by one transaction. */
export const EMPTY_ITEMS_MAX = 256;

export interface Emptied {
  readonly items: number;
  /** What those that had been added up add up to. */
  readonly size: TrashSize;
  /** Where the next call goes on; empty when there is no more. */
  readonly nextAfter: Uint8Array;
}

const END = new Uint8Array(0);

/** Lets go of the items that are named; those that are not there any more are passed over. */
export async function emptyItems(mutation: Mutation, ids: readonly TrashId[]): Promise<Emptied> {
  const distinct = [...new Set(ids)];
  const records = await trash.getMany(mutation.tx, distinct);
  const items = distinct.flatMap((id, at) => {
    const record = records[at];
    return record === undefined ? [] : [[id, record] as const];
  });
  return { ...(await letAllGo(mutation, items)), nextAfter: END };
}

export interface EmptyBelow {
  readonly path: string;
  /** Only what was removed at this time or before. */
  readonly removedMaxMs: number;
  readonly after: Uint8Array;
}

/** Lets go of some items that were removed at or below a path. */
export async function emptyBelow(mutation: Mutation, request: EmptyBelow): Promise<Emptied> {
  const { path, removedMaxMs, after } = request;
  const page = await listTrash(mutation.tx, { path, after, limit: EMPTY_ITEMS_MAX });
  const items = page.items.filter(([, record]) => record.removedMs <= removedMaxMs);
  return { ...(await letAllGo(mutation, items)), nextAfter: page.nextAfter };
}

async function letAllGo(
  mutation: Mutation,
  items: readonly (readonly [TrashId, TrashRecord])[],
): Promise<Omit<Emptied, "nextAfter">> {
  let size = NOTHING;
  for (const [id, record] of items) {
    await letItemGo(mutation, id, record);
    size = sumOf(size, record.size ?? NOTHING);
  }
  return { items: items.length, size };
}

/** Takes an item out of the trash for good. */
export async function letItemGo(
  mutation: Dropping,
  id: TrashId,
  record: TrashRecord,
): Promise<void> {
  dropTrash(mutation.tx, id, record);
  await letGo(mutation, record.entry, await hasChildren(mutation, record.entry));
}

async function hasChildren({ tx }: Dropping, entry: EntryRecord): Promise<boolean> {
  if (entry.kind === "file") return false;
  return (await entries.first(tx, { within: [entry.inodeId] })) !== undefined;
}
