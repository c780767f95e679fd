import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { ListOptions, StoredChunkInfo } from "../chunk-store.ts";
import { isMediumError } from "../store-error.ts";
import type { ChunkLayout } from "./layout.ts";

const HEADERS_AT_ONCE = 16;

/**
 * The chunks whose files are there, in the order of ids. One whose header is damaged, or not given by the medium, is nobody's failure
 * but its own: it is left out, or in with nothing known of it.
 */
export async function listChunkFiles(
  layout: ChunkLayout,
  find: (id: ChunkId) => Promise<StoredChunkInfo | undefined>,
  {
    after,
    limit,
    withDamaged = false,
  }: ListOptions & { readonly after: ChunkId | undefined; readonly limit: number },
): Promise<StoredChunkInfo[]> {
  const page: StoredChunkInfo[] = [];
  for (const leaf of layout.leavesFrom(after)) {
    const all = await layout.chunksIn(leaf);
    const ids = after === undefined ? all : all.filter((id) => id > after);
    for (let at = 0; at < ids.length; at += HEADERS_AT_ONCE) {
      const batch = ids.slice(at, at + HEADERS_AT_ONCE);
      const infos = await Promise.all(
        batch.map(async (id) => {
          const info = await find(id).catch(undefinedIfMedium);
          return withDamaged ? (info ?? damaged(id)) : info;
        }),
      );
      page.push(...infos.filter((info) => info !== undefined));
      if (page.length >= limit) return page.slice(0, limit);
    }
  }
  return page;
}

function undefinedIfMedium(error: unknown): undefined {
  if (!isMediumError(error)) throw error;
}

function damaged(id: ChunkId): StoredChunkInfo {
  return { id, lengthBytes: 0, epoch: 0, verifiedMs: 0 };
}
