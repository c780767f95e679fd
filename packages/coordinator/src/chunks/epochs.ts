/**
 * The store epoch fences deletions. Each decision to delete is made in an epoch, which it ends: copies and receipts
 * of that epoch and those before it are void for the chunks decided on. The horizon follows at a distance of time:
 * receipts of epochs up to it are void for every chunk, so that a fence below it need not be remembered.
 */

import type { KvTransaction } from "@cairnfs/kv/kv-store";
import {
  type EpochMark,
  epochMarks,
  metaNumbers,
  readEpoch,
  readHorizon,
} from "../single-values.ts";

/** Marks for each life of a receipt: how closely the horizon follows. */
const MARKS_PER_LIFE = 24;

/** Ends the current epoch and gives it: what is decided in this transaction is decided in it. */
export async function endEpoch(tx: KvTransaction): Promise<number> {
  const epoch = await readEpoch(tx);
  metaNumbers.put(tx, "epoch", epoch + 1);
  return epoch;
}

/** How often the horizon is to be moved. */
export function markIntervalMs(receiptLifeMs: number): number {
  return Math.ceil(receiptLifeMs / MARKS_PER_LIFE);
}

/**
 * Ends the epoch when the last mark is old enough and there is something that a mark is for, and moves the horizon to the newest mark of
 * a receipt's life ago. Writes nothing when neither is the case.
 *
 * A mark is for what waits for the horizon: the records and fences of decisions since the last mark, each of which has ended an epoch, and
 * copies that were stored under placements of the current epoch and never handed in. `isEpochUsed` says that there may be any of these.
 * Without either no receipt can exist that the mark would make void, so that to leave it out changes nothing but the time of a write.
 */
export async function moveHorizon(
  tx: KvTransaction,
  {
    nowMs,
    receiptLifeMs,
    isEpochUsed,
  }: {
    readonly nowMs: number;
    readonly receiptLifeMs: number;
    readonly isEpochUsed: boolean;
  },
): Promise<void> {
  const marks = (await epochMarks.get(tx, "epoch-marks")) ?? [];
  const passed = marks.filter((mark) => mark.atMs + receiptLifeMs <= nowMs);
  const horizon = passed.at(-1)?.epoch;
  if (horizon !== undefined) metaNumbers.put(tx, "horizon", horizon);

  const ahead: EpochMark[] = marks.slice(passed.length);
  const last = marks.at(-1);
  const lastEpoch = last?.epoch ?? (await readHorizon(tx));
  const hasDecisions = (await readEpoch(tx)) > lastEpoch + 1;
  const isTime = last === undefined || last.atMs + markIntervalMs(receiptLifeMs) <= nowMs;
  const isMarked = isTime && (isEpochUsed || hasDecisions);
  if (isMarked) ahead.push({ atMs: nowMs, epoch: await endEpoch(tx) });
  if (isMarked || passed.length > 0) epochMarks.put(tx, "epoch-marks", ahead);
}
