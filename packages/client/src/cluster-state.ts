import { toHex } from "@cairnfs/base/hex";
import type { GetClusterStateResponse } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { count } from "./entry.ts";
import { type NodeInfo, nodeInfo } from "./node-table.ts";

/** The state of the cluster as the coordinator knows it from what nodes reported and proved. */
export interface ClusterState {
  readonly clusterId: string;
  /** The release of the coordinator. */
  readonly version: string;
  readonly startedMs: number;
  readonly nodes: readonly NodeInfo[];
  readonly nodeTableVersion: number;
  readonly fileCount: number;
  readonly directoryCount: number;
  /** What the files' lengths add up to. */
  readonly logicalBytes: number;
  /** What their distinct chunks add up to, one copy each. */
  readonly uniqueBytes: number;
  readonly chunkCount: number;
  readonly openUploads: number;
  /** Chunks with fewer live copies than wanted, and with none. */
  readonly underreplicatedChunks: number;
  readonly underreplicatedBytes: number;
  readonly lostChunks: number;
  /** Removed, waiting for their grace period. */
  readonly garbageChunks: number;
  readonly garbageBytes: number;
  readonly defaultReplicationFactor: number;
  readonly defaultChunkSizeBytes: number;
}

export function clusterState(reply: GetClusterStateResponse): ClusterState {
  return {
    clusterId: toHex(reply.clusterId),
    version: reply.version,
    startedMs: count(reply.startedMs),
    nodes: reply.nodes.map(nodeInfo),
    nodeTableVersion: count(reply.nodeTableVersion),
    fileCount: count(reply.fileCount),
    directoryCount: count(reply.directoryCount),
    logicalBytes: count(reply.logicalBytes),
    uniqueBytes: count(reply.uniqueBytes),
    chunkCount: count(reply.chunkCount),
    openUploads: count(reply.openUploads),
    underreplicatedChunks: count(reply.underreplicatedChunks),
    underreplicatedBytes: count(reply.underreplicatedBytes),
    lostChunks: count(reply.lostChunks),
    garbageChunks: count(reply.garbageChunks),
    garbageBytes: count(reply.garbageBytes),
    defaultReplicationFactor: reply.defaultReplicationFactor,
    defaultChunkSizeBytes: count(reply.defaultChunkSizeBytes),
  };
}
