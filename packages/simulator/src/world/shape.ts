import type { CoordinatorConfig } from "@cairnfs/coordinator/config";
import { coordinatorSettings } from "@cairnfs/coordinator/config";
import { type DatanodeConfig, datanodeSettings } from "@cairnfs/datanode/config";
import type { ClockError } from "../process/sim-process.ts";

/** The size and the speed of a world. It is data: a plan that was made small keeps it. */
export interface Shape {
  readonly nodes: number;
  readonly clients: number;
  readonly replicationFactor: number;
  readonly zones: number;
  readonly store: "segment" | "file";
  readonly syncMs: number;
  readonly waitShare: number;
  readonly commitMs: number;
  readonly diskBytes: number;
  readonly chunkBytes: number;
  /** Small segments are sealed and compacted often. */
  readonly segmentBytes: number;
  /** How long what is removed can be restored; longer than any history, or there is no trash. */
  readonly trashMs: number;
  readonly repairDelayMs: number;
  /** How long contents that were let go stay for their readers, and chunks that nobody refers to. */
  readonly contentGraceMs: number;
  readonly chunkGraceMs: number;
  readonly receiptLifeMs: number;
  readonly sessionTtlMs: number;
  /** By host. */
  readonly clocks: Readonly<Record<string, ClockError>>;
}

export const COORDINATOR_ADDRESS = "coordinator:7070";
export const CHUNK_BYTES_MIN = 64 * 1024;
export const RESERVE_BYTES = 128 * 1024;

const COORDINATOR = coordinatorSettings.parse({
  address: COORDINATOR_ADDRESS,
  grpcAddress: "",
  httpAddress: "",
  allowInsecureBind: true,
  kvUrl: "memory:",
  heartbeatIntervalMs: 4_000,
  suspectAfterMs: 9_000,
  deadAfterMs: 20_000,
  nodeTimeoutMs: 4_000,
});

/** Times are short beside those of a real cluster, in the same proportions. */
export function coordinatorConfig(shape: Shape): CoordinatorConfig {
  return {
    ...COORDINATOR,
    defaultReplicationFactor: shape.replicationFactor,
    defaultChunkSizeBytes: shape.chunkBytes,
    trashMs: shape.trashMs,
    repairDelayMs: shape.repairDelayMs,
    sessionTtlMs: shape.sessionTtlMs,
    contentGraceMs: shape.contentGraceMs,
    chunkGraceMs: shape.chunkGraceMs,
    receiptLifeMs: shape.receiptLifeMs,
    inventoryIntervalMs: Math.min(shape.receiptLifeMs, 20_000),
    idempotencyMs: 60_000,
  };
}

const DATANODE = datanodeSettings.parse({
  dataDir: "/data",
  grpcAddress: "",
  httpAddress: "",
  allowInsecureBind: true,
  coordinatorAddress: COORDINATOR_ADDRESS,
  reserveBytes: RESERVE_BYTES,
  replicaStallMs: 1_000,
  replicaCommitMs: 3_000,
  replicaGraceMs: 500,
  receiveStallMs: 6_000,
  readerStallMs: 6_000,
  peerTimeoutMs: 3_000,
  heartbeatRetryMs: 500,
  diskProbeMs: 3_000,
  scrubPeriodMs: 0,
});

export function datanodeConfig(shape: Shape, host: string, number: number): DatanodeConfig {
  return {
    ...DATANODE,
    store: shape.store,
    address: `${host}:7080`,
    zone: shape.zones > 1 ? `zone${number % shape.zones}` : "",
  };
}
