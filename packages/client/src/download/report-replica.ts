import { CairnError } from "@cairnfs/base/errors";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { BadReplicaKind } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { CoordinatorLink } from "../coordinator-link.ts";
import type { LocatedChunk } from "./chunk-map.ts";

/** Tells the coordinator of a copy that is not what it should be. Does not wait: the reader goes on elsewhere. */
export function reportReplica(
  coordinator: CoordinatorLink,
  chunk: LocatedChunk,
  nodeNumber: number,
  kind: "corrupt" | "missing",
): void {
  const report = coordinator.call(
    (client, options) =>
      client.reportBadReplica(
        {
          chunkId: chunkIdToBytes(chunk.id),
          nodeNumber,
          kind: kind === "corrupt" ? BadReplicaKind.CORRUPT : BadReplicaKind.MISSING,
        },
        options,
      ),
    { patienceMs: 0 },
  );
  // A report that does not arrive is one that the next reader makes.
  report.catch((error: unknown) => {
    if (!(error instanceof CairnError)) throw error;
  });
}
