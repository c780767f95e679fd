import { CairnError } from "@cairnfs/base/errors";
import type { KvReader } from "@cairnfs/kv/kv-store";
import { chunkMap, contents } from "../keyspace.ts";
import { COMPOSITE_DEPTH_MAX, type MappedChunk, ROW_CHUNKS_MAX } from "./content.ts";
import { partsFrom } from "./content-parts.ts";
import type { ContentId } from "./ids.ts";

/** A chunk of a content and where it starts in the file. */
export interface PlacedChunk extends MappedChunk {
  readonly offsetBytes: number;
}

export interface ChunkMapPage {
  readonly offsetBytes: number;
  readonly limit: number;
}

/**
 * At most `limit` chunks of a content, composite or not, from the one that holds `offsetBytes` on; none when that is at or past
 * the end.
 */
export function readChunkMap(
  reader: KvReader,
  id: ContentId,
  page: ChunkMapPage,
): Promise<PlacedChunk[]> {
  return readMap(reader, id, page, COMPOSITE_DEPTH_MAX);
}

async function readMap(
  reader: KvReader,
  id: ContentId,
  page: ChunkMapPage,
  depthMax: number,
): Promise<PlacedChunk[]> {
  return (
    (await readRows(reader, id, page)) ?? (await readPartsOf(reader, id, page, depthMax)) ?? []
  );
}

/** From the rows of the content itself; `undefined` when it has none. */
async function readRows(
  reader: KvReader,
  id: ContentId,
  { offsetBytes, limit }: ChunkMapPage,
): Promise<PlacedChunk[] | undefined> {
  let from: readonly [ContentId, number] = [id, 0];
  if (offsetBytes > 0) {
    const before = [id, offsetBytes + 1] as const;
    const first = await chunkMap.first(reader, { within: [id], before, reverse: true });
    if (first === undefined) return undefined;
    from = first.key;
  }
  const rowsMax = Math.ceil(limit / ROW_CHUNKS_MAX) + 1;
  const placed: PlacedChunk[] = [];
  const rows = await chunkMap.page(reader, { within: [id], from, limit: rowsMax });
  if (rows.length === 0) return undefined;
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

async function readPartsOf(
  reader: KvReader,
  id: ContentId,
  { offsetBytes, limit }: ChunkMapPage,
  depthMax: number,
): Promise<PlacedChunk[] | undefined> {
  const content = await contents.get(reader, id);
  if (content?.partsOf === undefined) return undefined;
  // Composites are made of what was there before: only damage leads in a circle.
  if (depthMax === 0) throw new CairnError("internal", `content ${id} is part of itself`);
  const placed: PlacedChunk[] = [];
  for await (const part of partsFrom(reader, content, offsetBytes)) {
    const page = {
      offsetBytes: Math.max(0, offsetBytes - part.offsetBytes),
      limit: limit - placed.length,
    };
    for (const chunk of await readMap(reader, part.contentId, page, depthMax - 1)) {
      placed.push({ ...chunk, offsetBytes: part.offsetBytes + chunk.offsetBytes });
    }
    if (placed.length >= limit) break;
  }
  return placed;
}
