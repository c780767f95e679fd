import { Bell, wokenBy } from "@cairnfs/base/bell";
import type { Clock } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import { RateBudget } from "@cairnfs/base/rate-budget";
import type { Telemetry } from "@cairnfs/base/telemetry";
import type { Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import type { ChunkRecord } from "../chunks/chunk-record.ts";
import { ReplicaFindings } from "../chunks/replica-findings.ts";
import { hasSurplus } from "../chunks/replicas.ts";
import type { CoordinatorConfig } from "../config.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import type { ClusterPlacements } from "../nodes/cluster-placements.ts";
import type { NodeManager } from "../nodes/node-manager.ts";
import { Absences } from "./absences.ts";
import { ChunkCopier } from "./chunk-copier.ts";
import { ChunkRepairer } from "./chunk-repairer.ts";
import type { LedgerState } from "./ledger-state.ts";
import { LedgerWalk } from "./ledger-walk.ts";
import type { NodeCalls } from "./node-calls.ts";
import { NodeReplicaVerifier } from "./node-replica-verifier.ts";
import { RedundancyGauges } from "./redundancy-gauges.ts";
import { planRepair, type RepairPlan } from "./repair-plan.ts";
import { RepairWorker } from "./repair-worker.ts";
import { ReplicaReadmission } from "./replica-readmission.ts";

export interface HealingParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly nodes: NodeManager;
  readonly placements: ClusterPlacements;
  readonly calls: NodeCalls;
  /** Hears of chunks with copies too many. */
  readonly onSurplus: () => void;
  /** As the last coordinator left it. */
  readonly ledger: LedgerState;
  readonly config: Pick<
    CoordinatorConfig,
    | "repairParallelism"
    | "repairInFlightBytes"
    | "repairDelayMs"
    | "repairBytesPerSecond"
    | "copiesPerNode"
  >;
}

/** The parts that keep as many copies of each chunk as are wanted, no fewer and no more. */
export interface Healing {
  readonly absences: Absences;
  readonly verifier: NodeReplicaVerifier;
  readonly findings: ReplicaFindings;
  readonly badReplicas: BadReplicaWorker;
  readonly copier: ChunkCopier;
  readonly repair: RepairWorker;
  /** What repair is to do for a chunk now. */
  readonly plan: (record: ChunkRecord | undefined) => RepairPlan;
  readonly ledger: LedgerWalk;
  readonly readmission: ReplicaReadmission;
  /** To be run by whoever is in charge of background work. */
  readonly workers: readonly Worker[];
  /** Stops listening to the nodes and the store. */
  stop(): void;
  /** Resolves when nothing is under way any more; after the workers have ended. */
  settled(): Promise<void>;
}

/** Far more than all who copy in the background have under way. */
const COPIES_WAITING_MAX = 1024;

/** Wires them. Until `stop` they hear of nodes that come and go, and of what is written. */
export function openHealing(parts: HealingParts): Healing {
  const { kv, clock, random, telemetry, nodes, placements, calls, config } = parts;
  const { logger, metrics } = telemetry;
  const { table } = nodes;
  const isLive = (nodeNumber: number) => placements.isLive(nodeNumber);
  const absences = new Absences(table, clock, parts.ledger.deadSinceMs);
  const plan = planner(absences, parts);
  const verifier = new NodeReplicaVerifier(calls);
  const findings = new ReplicaFindings(clock);
  const onDebt = () => repair.wakeForDebt();
  const reports = new Bell(clock);
  const checking = { kv, bell: reports, verifier, findings, isLive, logger, onDebt };
  const badReplicas = new BadReplicaWorker(checking);
  const copier = new ChunkCopier(
    { table, placements, calls, random },
    { copiesPerNode: config.copiesPerNode, waitingMax: COPIES_WAITING_MAX },
  );
  const budget = budgetOf({ clock, config });
  const repair = openRepair(parts, { plan, copier, badReplicas, budget });
  const ledger = new LedgerWalk(
    {
      kv,
      clock,
      logger,
      absences,
      nodes: { isLive, isMember: (nodeNumber) => table.get(nodeNumber) !== undefined },
      isSurplus: (record) => hasSurplus(record, placements),
      onDebt,
      onSurplus: parts.onSurplus,
    },
    parts.ledger.isWalkPending,
  );
  const stops = [
    kv.onAppend(onDebt),
    nodes.onStateChange((nodeNumber) => {
      if (absences.note(nodeNumber)) ledger.begin();
      repair.wake();
    }),
  ];
  return {
    absences,
    verifier,
    findings,
    badReplicas,
    copier,
    repair,
    plan,
    ledger,
    readmission: new ReplicaReadmission({
      kv,
      calls,
      verifier,
      placements,
      random,
      budget,
      logger,
    }),
    workers: [
      ledger,
      repair,
      wokenBy(reports, badReplicas),
      new RedundancyGauges({ kv, table, ledger, metrics }),
    ],
    stop: () => {
      for (const stop of stops) stop();
    },
    settled: async () => {
      await repair.settled();
      await badReplicas.settled();
    },
  };
}

function openRepair(
  { kv, clock, random, telemetry, placements, config }: HealingParts,
  {
    plan,
    copier,
    badReplicas,
    budget,
  }: Pick<Healing, "plan" | "copier" | "badReplicas"> & { readonly budget: RateBudget | undefined },
): RepairWorker {
  const { logger, metrics } = telemetry;
  const isLive = (nodeNumber: number) => placements.isLive(nodeNumber);
  const repairer = new ChunkRepairer({
    kv,
    placements,
    copier,
    badReplicas,
    plan,
    budget,
    logger,
  });
  return new RepairWorker(
    { kv, repairer, plan, isLive, clock, random, metrics },
    { parallelism: config.repairParallelism, inFlightBytes: config.repairInFlightBytes },
  );
}

function budgetOf({ clock, config }: Pick<HealingParts, "clock" | "config">) {
  const { repairBytesPerSecond } = config;
  return repairBytesPerSecond === 0 ? undefined : new RateBudget(clock, repairBytesPerSecond);
}

function planner(absences: Absences, { nodes, placements, clock, config }: HealingParts) {
  const { repairDelayMs } = config;
  const view = {
    isLive: (nodeNumber: number) => placements.isLive(nodeNumber),
    isWell: (nodeNumber: number) => {
      const row = nodes.table.get(nodeNumber);
      return row?.liveness === "alive" && row.health !== "failed";
    },
    deadSinceMs: (nodeNumber: number) => absences.sinceMs(nodeNumber),
  };
  return (record: ChunkRecord | undefined) =>
    planRepair(record, view, { nowMs: nowMsOf(clock), repairDelayMs });
}
