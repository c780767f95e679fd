import type { Clock } from "@cairnfs/base/clock";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import type { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import type { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import { entryMessage } from "../namespace/entry-message.ts";
import { contentId } from "../namespace/ids.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import { reaching } from "../namespace/path.ts";
import { readableContent } from "../namespace/readable-content.ts";
import { requireFile } from "../namespace/resolve.ts";
import { wholeNumber } from "../namespace/whole-number.ts";
import type { PlacementSource } from "../uploads/placements.ts";
import { locateChunks, openedContent, parseContentPage } from "./opened-content.ts";

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

/** Answers everything about reading files. */
export function readHandlers({ kv, clock, nodes, badReplicas }: ReadParts): ReadHandlers {
  return {
    async openFile(request) {
      const page = parseContentPage(request);
      return reaching(request.path, (path) =>
        kv.read(async (reader) => {
          const { name, entry } = await requireFile(reader, path);
          const content = await openedContent(reader, entry, page, nodes);
          return { entry: entryMessage(name, entry), ...content };
        }),
      );
    },

    async getChunkMap(request) {
      const id = contentId(wholeNumber(request.contentId, "content_id"));
      const page = parseContentPage(request);
      return kv.read(async (reader) => {
        await readableContent(reader, id, nowMsOf(clock));
        const located = await locateChunks(reader, id, page);
        return { chunks: located, nodes: nodes.nodeUpdatesSince(page.nodeTableVersion) };
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
