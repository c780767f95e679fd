import { CairnError } from "@cairnfs/base/errors";
import type { KvReader } from "@cairnfs/kv/kv-store";
import { contents } from "../keyspace.ts";
import type { ContentRecord } from "./content.ts";
import type { ContentId } from "./ids.ts";

/** A content that may still be read; `contentNotFound` when its last owner is gone and its grace period over. */
export async function readableContent(
  reader: KvReader,
  id: ContentId,
  nowMs: number,
): Promise<ContentRecord> {
  const content = await contents.get(reader, id);
  // From its last moment on the map is being taken apart: better none than half of it.
  const isGone = content === undefined || (content.owners === 0 && content.goneAtMs <= nowMs);
  if (isGone) throw new CairnError("contentNotFound", `content ${id} is not there any more`);
  return content;
}
