import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import { chunkIdFromBytes, chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { LocatedChunkSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import type { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import { chunks, contents } from "../keyspace.ts";
import { NO_BYTES } from "../namespace/content.ts";
import type { FileEntry } from "../namespace/entry.ts";
import { entryMessage } from "../namespace/entry-message.ts";
import { type ContentId, contentId } from "../namespace/ids.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import { parsePath } from "../namespace/path.ts";
import { readChunkMap } from "../namespace/read-chunk-map.ts";
import { requireFile } from "../namespace/resolve.ts";
import { wholeNumber } from "../namespace/whole-number.ts";
import type { PlacementSource } from "../uploads/placements.ts";

export interface ReadParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly nodes: Pick<PlacementSource, "nodeUpdatesSince">;
  readonly badReplicas: Pick<BadReplicaWorker, "report">;
}

export type ReadHandlers = Pick<
  ServiceHandlers<typeof CoordinatorService>,
  "openFile" | "getChunkMap" | "reportBadReplica"
>;

const CHUNK_LIMIT_DEFAULT = 256;
const CHUNK_LIMIT_MAX = 4096;

type LocatedChunks = MessageInitShape<typeof LocatedChunkSchema>[];

/** Answers everything about reading files. */
export function readHandlers({ kv, clock, nodes, badReplicas }: ReadParts): ReadHandlers {
  return {
    async openFile(request) {
      const path = parsePath(request.path);
      const page = {
        offsetBytes: wholeNumber(request.offsetBytes, "offset_bytes"),
        limit: chunkLimit(request.chunkLimit),
      };
      const version = wholeNumber(request.nodeTableVersion, "node_table_version");
      return kv.read(async (reader) => {
        const { name, entry } = await requireFile(reader, path);
        const message = entryMessage(name, entry);
        if (entry.chunkCount === 0) {
          return { entry: message, inlineBytes: await readInline(reader, entry) };
        }
        const located = await locate(reader, entry.contentId, page);
        return { entry: message, chunks: located, nodes: nodes.nodeUpdatesSince(version) };
      });
    },

    async getChunkMap(request) {
      const id = contentId(wholeNumber(request.contentId, "content_id"));
      const page = {
        offsetBytes: wholeNumber(request.offsetBytes, "offset_bytes"),
        limit: chunkLimit(request.chunkLimit),
      };
      const version = wholeNumber(request.nodeTableVersion, "node_table_version");
      return kv.read(async (reader) => {
        const content = await contents.get(reader, id);
        // From its last moment on the map is being taken apart: better none than half of it.
        const isGone =
          content === undefined || (content.owners === 0 && content.goneAtMs <= nowMsOf(clock));
        if (isGone) throw new CairnError("contentNotFound", `content ${id} is not there any more`);
        const located = await locate(reader, id, page);
        return { chunks: located, nodes: nodes.nodeUpdatesSince(version) };
      });
    },

    async reportBadReplica(request) {
      badReplicas.report({
        chunkId: chunkIdFromBytes(request.chunkId),
        nodeNumber: request.nodeNumber,
      });
      return {};
    },
  };
}

async function readInline(reader: KvReader, entry: FileEntry): Promise<Uint8Array> {
  if (entry.sizeBytes === 0) return NO_BYTES;
  const content = await contents.get(reader, entry.contentId);
  if (content?.inlineBytes !== undefined) return content.inlineBytes;
  throw new CairnError("internal", `content ${entry.contentId} has neither chunks nor bytes`);
}

async function locate(
  reader: KvReader,
  id: ContentId,
  page: { readonly offsetBytes: number; readonly limit: number },
): Promise<LocatedChunks> {
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

function chunkLimit(limit: number): number {
  if (limit > CHUNK_LIMIT_MAX) {
    throw new CairnError(
      "invalidArgument",
      `chunk_limit is ${limit}, expected 1 to ${CHUNK_LIMIT_MAX}, or 0 for ${CHUNK_LIMIT_DEFAULT}`,
    );
  }
  return limit === 0 ? CHUNK_LIMIT_DEFAULT : limit;
}
