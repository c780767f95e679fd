import type { MessageInitShape } from "@bufbuild/protobuf";
import { RELEASE } from "@cairnfs/base/release";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { GetClusterStateResponseSchema } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { readCounters } from "./counters.ts";
import type { NodeManager } from "./nodes/node-manager.ts";
import { nodeMessageWith } from "./nodes/node-messages.ts";

export interface ClusterStateParts {
  readonly kv: KvStore;
  readonly manager: NodeManager;
  readonly clusterId: Uint8Array;
  readonly startedMs: number;
  readonly defaultReplicationFactor: number;
  readonly defaultChunkSizeBytes: number;
}

/**
 * The cluster of one moment, from what is recorded and what nodes reported last.
 *
 * What `underreplicated_chunks` and its bytes count are the chunks in the ledger of debt: those with fewer live copies than
 * wanted. When nodes die or come back the ledger follows within seconds; `GetRedundancy` says whether it has.
 * `lost_chunks` are those of the ledger that have no live copy.
 */
export async function clusterState(
  parts: ClusterStateParts,
): Promise<MessageInitShape<typeof GetClusterStateResponseSchema>> {
  const { manager } = parts;
  const counters = await parts.kv.read(readCounters);
  return {
    clusterId: parts.clusterId,
    version: RELEASE,
    startedMs: BigInt(parts.startedMs),
    nodes: [...manager.table.rows()].map((row) =>
      nodeMessageWith(row, manager.lastReportOf(row.nodeNumber)),
    ),
    nodeTableVersion: BigInt(manager.table.version),
    fileCount: BigInt(counters.files),
    directoryCount: BigInt(counters.directories),
    logicalBytes: BigInt(counters.logicalBytes),
    uniqueBytes: BigInt(counters.uniqueBytes),
    chunkCount: BigInt(counters.chunks),
    openUploads: BigInt(counters.openUploads),
    underreplicatedChunks: BigInt(counters.debtChunks),
    underreplicatedBytes: BigInt(counters.debtBytes),
    lostChunks: BigInt(counters.debtChunks0),
    garbageChunks: BigInt(counters.garbageChunks),
    garbageBytes: BigInt(counters.garbageBytes),
    defaultReplicationFactor: parts.defaultReplicationFactor,
    defaultChunkSizeBytes: BigInt(parts.defaultChunkSizeBytes),
  };
}
