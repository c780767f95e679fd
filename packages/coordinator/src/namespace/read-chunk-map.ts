import type { KvReader } from "@cairnfs/kv/kv-store";
import { chunkMap } from "../keyspace.ts";
import { type MappedChunk, ROW_CHUNKS_MAX } from "./content.ts";
import type { ContentId } from "./ids.ts";

/** A chunk of a content and where it starts in the file. */
export interface PlacedChunk extends MappedChunk {
  readonly offsetBytes: number;
}

/** At most `limit` chunks of a content, from the one that holds `offsetBytes` on; none when that is at or past the end. */
export async function readChunkMap(
  reader: KvReader,
  id: ContentId,
  page: { readonly offsetBytes: number; readonly limit: number },
): Promise<PlacedChunk[]> {
  const { offsetBytes, limit } = page;
  const first = await chunkMap.first(reader, {
    within: [id],
    before: [id, offsetBytes + 1],
    reverse: true,
  });
  if (first === undefined) return [];
  const rowsMax = Math.ceil(limit / ROW_CHUNKS_MAX) + 1;
  const placed: PlacedChunk[] = [];
  const rows = await chunkMap.page(reader, { within: [id], from: first.key, limit: rowsMax });
  for (const { key, value } of rows) {
    let offset = key[1];
    for (const chunk of value) {
      const end = offset + chunk.lengthBytes;
      if (end > offsetBytes && placed.length < limit)
        placed.push({ ...chunk, offsetBytes: offset });
      offset = end;
    }
  }
  return placed;
}
