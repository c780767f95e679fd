import type { MessageInitShape } from "@bufbuild/protobuf";
import { RELEASE } from "@cairnfs/base/release";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { GetClusterStateResponseSchema } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { readCounters } from "./counters.ts";
import { debts } from "./keyspace.ts";
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

/** Lost chunks are counted one by one, up to here. */
const LOST_CHUNKS_MAX = 10_000;

/**
 * The cluster of one moment, from what is recorded and what nodes reported last.
 *
 * What `underreplicated_chunks` and its bytes count are the chunks in the ledger of debt: those that were committed with
 * fewer proved copies than wanted, or lost one to a verified report, and were not repaired since. A chunk enters
 * the ledger, or changes its place in it, when something looks at its record. The death of a node by itself
 * does not: chunks that had all their copies until then are not counted before they are looked at, so while
 * any node is dead the figures are lower bounds. `lost_chunks` are those of the ledger that have no live copy; at most 10,000 are counted.
 */
export async function clusterState(
  parts: ClusterStateParts,
): Promise<MessageInitShape<typeof GetClusterStateResponseSchema>> {
  const { manager } = parts;
  const { counters, lostChunks } = await parts.kv.read(async (reader) => ({
    counters: await readCounters(reader),
    lostChunks: (await debts.page(reader, { within: [0], limit: LOST_CHUNKS_MAX })).length,
  }));
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
    lostChunks: BigInt(lostChunks),
    garbageChunks: BigInt(counters.garbageChunks),
    garbageBytes: BigInt(counters.garbageBytes),
    defaultReplicationFactor: parts.defaultReplicationFactor,
    defaultChunkSizeBytes: BigInt(parts.defaultChunkSizeBytes),
  };
}
