import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvReader, KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import type { Row } from "@cairnfs/kv/table";
import { entries, trash, trashDues, trashSizings } from "../keyspace.ts";
import { type EntryRecord, placeAfter } from "../namespace/entry.ts";
import { type InodeId, type TrashId, trashId } from "../namespace/ids.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import { letItemGo } from "./empty-trash.ts";
import { sizeOf, sumOf, type TrashSizing } from "./trash-record.ts";
import { setTrashSize } from "./trash-rows.ts";

/** So many items are let go, or so many entries added up, by one commit. */
const STEP_ITEMS = 256;
const STEP_ENTRIES = 2_000;
const PAGE_ENTRIES = 128;
/** Deeper directories than this are not added up: how far a sum has come is to fit in a record. */
const DEPTH_MAX = 4_096;
/** So long it sleeps at most when nothing is due sooner. */
const IDLE_PAUSE_MS = 3_600_000;

export interface TrashWorkerParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly settings: Pick<NamespaceSettings, "contentGraceMs">;
}

/**
 * Lets go of what is due in the trash, and adds up removed trees: which cannot change while they are there, so that a sum
 * stays true. How far a sum has come is kept in the store.
 */
export class TrashWorker implements Worker {
  readonly name = "trash";
  readonly #parts: TrashWorkerParts;

  constructor(parts: TrashWorkerParts) {
    this.#parts = parts;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const { kv, clock } = this.#parts;
    const nowMs = nowMsOf(clock);
    const { nextDueMs, unsized } = await kv.read(async (reader) => ({
      nextDueMs: (await trashDues.first(reader))?.key[0],
      unsized: (await trashSizings.first(reader))?.key,
    }));
    if (nextDueMs !== undefined && nextDueMs <= nowMs) {
      await kv.transact((tx) => this.#expire(tx, nowMs), { signal });
      return "again";
    }
    if (unsized !== undefined) {
      await kv.transact((tx) => addUp(tx, unsized), { signal });
      return "again";
    }
    return { pauseMs: Math.min(IDLE_PAUSE_MS, (nextDueMs ?? Number.POSITIVE_INFINITY) - nowMs) };
  }

  async #expire(tx: KvTransaction, nowMs: number): Promise<void> {
    const { settings } = this.#parts;
    const due = await trashDues.page(tx, {
      before: [nowMs + 1, trashId(0)],
      limit: STEP_ITEMS,
    });
    const ids = due.map(({ key }) => key[1]);
    const records = await trash.getMany(tx, ids);
    for (const [at, id] of ids.entries()) {
      const record = records[at];
      if (record !== undefined) await letItemGo({ tx, nowMs, settings }, id, record);
    }
  }
}

/** Adds up some more of a removed tree, depth first. */
async function addUp(tx: KvTransaction, id: TrashId): Promise<void> {
  const record = await trash.get(tx, id);
  const sizing = await trashSizings.get(tx, id);
  // Restored or let go since.
  if (record === undefined || sizing === undefined) return;
  const counted = await countOn(tx, sizing);
  if (counted.stack.length > 0) trashSizings.put(tx, id, counted);
  else setTrashSize(tx, id, record, counted.size);
}

/** A directory on the way down, and what of it has been read and not counted. */
interface Frame {
  readonly directoryId: InodeId;
  after: string;
  rows: readonly Row<readonly [InodeId, string], EntryRecord>[];
  at: number;
  isRead: boolean;
}

async function countOn(reader: KvReader, sizing: TrashSizing): Promise<TrashSizing> {
  const stack = sizing.stack.map(({ directoryId, after }) => frameOf(directoryId, after));
  let { size } = sizing;
  let left = STEP_ENTRIES;
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const row = top.rows[top.at];
    if (row !== undefined) {
      top.at += 1;
      top.after = placeAfter(row.key[1]);
      size = sumOf(size, sizeOf(row.value));
      if (row.value.kind === "directory" && stack.length < DEPTH_MAX) {
        stack.push(frameOf(row.value.inodeId, ""));
      }
    } else if (top.isRead) {
      stack.pop();
    } else if (left <= 0) {
      break;
    } else {
      left -= await readOn(reader, top);
    }
  }
  return { size, stack: stack.map(({ directoryId, after }) => ({ directoryId, after })) };
}

function frameOf(directoryId: InodeId, after: string): Frame {
  return { directoryId, after, rows: [], at: 0, isRead: false };
}

/** Reads the next children of a directory; gives what that costs. */
async function readOn(reader: KvReader, frame: Frame): Promise<number> {
  const { directoryId, after } = frame;
  frame.rows = await entries.page(reader, {
    within: [directoryId],
    ...(after === "" ? {} : { after: [directoryId, after] }),
    limit: PAGE_ENTRIES,
  });
  frame.at = 0;
  frame.isRead = frame.rows.length < PAGE_ENTRIES;
  return Math.max(1, frame.rows.length);
}
