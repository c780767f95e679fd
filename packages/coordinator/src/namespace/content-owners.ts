import { present } from "@cairnfs/base/assert";
import type { KvTransaction } from "@cairnfs/kv/kv-store";
import { contents, TOMB_KIND, tombstones } from "../keyspace.ts";
import type { ContentId } from "./ids.ts";

/** One more entry shows this content. The content must have an owner already. */
export async function addOwner(tx: KvTransaction, id: ContentId): Promise<void> {
  const content = present(await contents.get(tx, id), `content ${id} is gone and yet shown`);
  contents.put(tx, id, { ...content, owners: content.owners + 1 });
}

/**
 * One owner less. A content without owners can be read until `untilMs`, or longer where an owner before said so; then the tombstone worker lets go of its
 * chunks. One without chunks goes at once, since whoever opened it has its bytes.
 */
export async function dropOwner(tx: KvTransaction, id: ContentId, untilMs: number): Promise<void> {
  const content = await contents.get(tx, id);
  // Damage that a check tells of: what is gone need not be let go, and who owned it must be removable.
  if (content === undefined) return;
  const owners = content.owners - 1;
  // What was promised to who had opened it under another owner holds.
  const goneAtMs = Math.max(untilMs, content.goneAtMs);
  if (owners > 0) {
    contents.put(tx, id, { ...content, owners, goneAtMs });
  } else if (content.chunkCount === 0 && content.partsOf === undefined) {
    contents.delete(tx, id);
  } else {
    contents.put(tx, id, { ...content, owners, goneAtMs });
    tombstones.put(tx, [goneAtMs, TOMB_KIND.content, id], true);
  }
}
