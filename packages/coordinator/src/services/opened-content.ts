import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import type { KvReader } from "@cairnfs/kv/kv-store";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { LocatedChunkSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { chunks, contents } from "../keyspace.ts";
import { NO_BYTES } from "../namespace/content.ts";
import type { FileEntry } from "../namespace/entry.ts";
import type { ContentId } from "../namespace/ids.ts";
import { type ChunkMapPage, readChunkMap } from "../namespace/read-chunk-map.ts";
import { requestLimit } from "../namespace/request-limits.ts";
import { wholeNumber } from "../namespace/whole-number.ts";
import type { PlacementSource } from "../uploads/placements.ts";

const CHUNK_LIMIT = { field: "chunk_limit", whenZero: 256, max: 4096 };

/** What of a content is asked for, and what its reader knows of nodes. */
export interface ContentPage extends ChunkMapPage {
  readonly nodeTableVersion: number;
}

export function parseContentPage(request: {
  readonly offsetBytes: bigint;
  readonly chunkLimit: number;
  readonly nodeTableVersion: bigint;
}): ContentPage {
  return {
    offsetBytes: wholeNumber(request.offsetBytes, "offset_bytes"),
    limit: requestLimit(request.chunkLimit, CHUNK_LIMIT),
    nodeTableVersion: wholeNumber(request.nodeTableVersion, "node_table_version"),
  };
}

/** What a reader of a file gets: its bytes when they are in the store, else where its chunks are. */
export async function openedContent(
  reader: KvReader,
  entry: FileEntry,
  page: ContentPage,
  nodes: Pick<PlacementSource, "nodeUpdatesSince">,
) {
  if (entry.chunkCount === 0) return { inlineBytes: await readInline(reader, entry) };
  return {
    chunks: await locateChunks(reader, entry.contentId, page),
    nodes: nodes.nodeUpdatesSince(page.nodeTableVersion),
  };
}

async function readInline(reader: KvReader, entry: FileEntry): Promise<Uint8Array> {
  if (entry.sizeBytes === 0) return NO_BYTES;
  const content = await contents.get(reader, entry.contentId);
  if (content?.inlineBytes !== undefined) return content.inlineBytes;
  throw new CairnError("internal", `content ${entry.contentId} has neither chunks nor bytes`);
}

/** Some chunks of a content and the nodes that have them. */
export async function locateChunks(
  reader: KvReader,
  id: ContentId,
  page: ChunkMapPage,
): Promise<MessageInitShape<typeof LocatedChunkSchema>[]> {
  const placed = await readChunkMap(reader, id, page);
  const records = await chunks.getMany(
    reader,
    placed.map((chunk) => chunk.chunkId),
  );
  return placed.map((chunk, at) => ({
    offsetBytes: BigInt(chunk.offsetBytes),
    chunkId: chunkIdToBytes(chunk.chunkId),
    lengthBytes: BigInt(chunk.lengthBytes),
    nodeNumbers: [...(records[at]?.nodeNumbers ?? [])],
  }));
}
