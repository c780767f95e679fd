import type { KvTransaction } from "@cairnfs/kv/kv-store";
import { TOMB_KIND, tombstones } from "../keyspace.ts";
import { dropOwner } from "../namespace/content-owners.ts";
import type { InodeId } from "../namespace/ids.ts";
import type { FoundMultipart } from "./find-multipart.ts";
import { multipartKeys, multipartParts, multiparts } from "./multipart-tables.ts";
import { uploadIdOf, uploadNumberOf } from "./upload-id.ts";

/** Ends an open upload. Its parts, however many, are let go by the tombstone worker. */
export function abortMultipart(
  tx: KvTransaction,
  { number, record }: FoundMultipart,
  nowMs: number,
): void {
  const { bucketId, key, salt } = record;
  multipartKeys.delete(tx, [bucketId, key, uploadIdOf(number, salt)]);
  multiparts.put(tx, number, { ...record, state: { kind: "aborted", atMs: nowMs } });
  tombstones.put(tx, [nowMs, TOMB_KIND.multipart, number], true);
}

/** Lets go of at most `limit` parts of an upload that has ended; true when none is left. One that was aborted is forgotten then. */
export async function letGoParts(
  tx: KvTransaction,
  number: number,
  limit: number,
  nowMs: number,
): Promise<{ readonly parts: number; readonly isDone: boolean }> {
  const rows = await multipartParts.page(tx, { within: [number], limit });
  for (const { key, value } of rows) {
    multipartParts.delete(tx, key);
    await dropOwner(tx, value.contentId, nowMs);
  }
  const isDone = rows.length < limit;
  if (isDone) {
    const record = await multiparts.get(tx, number);
    if (record?.state.kind === "aborted") multiparts.delete(tx, number);
  }
  return { parts: rows.length, isDone };
}

/** Aborts at most `limit` uploads of a bucket that is gone; how many there were. */
export async function abortMultipartsOf(
  tx: KvTransaction,
  bucketId: InodeId,
  limit: number,
  nowMs: number,
): Promise<number> {
  const rows = await multipartKeys.page(tx, { within: [bucketId], limit });
  for (const { key } of rows) {
    const number = uploadNumberOf(key[2]);
    const record = await multiparts.get(tx, number);
    if (record === undefined) multipartKeys.delete(tx, key);
    else abortMultipart(tx, { number, record }, nowMs);
  }
  return rows.length;
}
