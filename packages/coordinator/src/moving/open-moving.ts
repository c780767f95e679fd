import type { Clock } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import { RateBudget } from "@cairnfs/base/rate-budget";
import type { Telemetry } from "@cairnfs/base/telemetry";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import type { ReplicaVerifier } from "../chunks/replica-verifier.ts";
import type { CoordinatorConfig } from "../config.ts";
import type { ChunkCopier } from "../healing/chunk-copier.ts";
import type { LedgerWalk } from "../healing/ledger-walk.ts";
import type { RepairWorker } from "../healing/repair-worker.ts";
import type { ClusterPlacements } from "../nodes/cluster-placements.ts";
import type { NodeManager } from "../nodes/node-manager.ts";
import type { PlacementTimes } from "../nodes/placement-times.ts";
import { ChunkMover } from "./chunk-mover.ts";
import { CopyRelease } from "./copy-release.ts";
import type { RepairWork } from "./debt-watch.ts";
import { Mover } from "./mover.ts";

export interface MovingParts {
  readonly kv: KvStore;
  readonly nodes: NodeManager;
  readonly times: PlacementTimes;
  readonly placements: ClusterPlacements;
  readonly copier: Pick<ChunkCopier, "copy">;
  readonly verifier: ReplicaVerifier;
  readonly badReplicas: Pick<BadReplicaWorker, "report">;
  readonly ledger: Pick<LedgerWalk, "progress">;
  readonly repair: Pick<RepairWorker, "progress">;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

export type MovingOptions = Pick<
  CoordinatorConfig,
  "moveParallelism" | "moveBytesPerSecond" | "rebalance" | "rebalanceThresholdPercent"
>;

/** Wires what moves copies between nodes. The mover is to be run, and woken when the nodes change. */
export function openMoving(parts: MovingParts, options: MovingOptions): Mover {
  const { kv, nodes, placements, copier, verifier, badReplicas, clock, random } = parts;
  const { logger, metrics } = parts.telemetry;
  const isLive = (nodeNumber: number) => placements.isLive(nodeNumber);
  const stays = (nodeNumber: number) =>
    isLive(nodeNumber) && nodes.table.get(nodeNumber)?.duty === "inService";
  const release = new CopyRelease({ kv, isLive, stays, verifier, badReplicas });
  const budget = new RateBudget(clock, options.moveBytesPerSecond);
  const { table } = nodes;
  const chunkMover = new ChunkMover({
    kv,
    table,
    isLive,
    copier,
    release,
    budget,
    badReplicas,
    logger,
  });
  return new Mover(
    {
      kv,
      nodes,
      times: parts.times,
      repairWork: () => repairWork(parts),
      placements,
      chunkMover,
      clock,
      random,
      metrics,
      logger,
    },
    {
      parallelism: options.moveParallelism,
      rebalance: options.rebalance,
      balanceThreshold: options.rebalanceThresholdPercent / 100,
    },
  );
}

function repairWork({ ledger, repair }: Pick<MovingParts, "ledger" | "repair">): RepairWork {
  const { runningChunks, waitingChunks } = repair.progress;
  // Until the ledger is exact nobody knows what is owed.
  return { isBusy: !ledger.progress.isExact || runningChunks > 0, waitingChunks };
}
