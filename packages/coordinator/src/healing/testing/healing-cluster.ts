import { SystemClock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import { silentLogger, silentTelemetry } from "@cairnfs/base/telemetry";
import { eventually } from "@cairnfs/base/testing/eventually";
import type { SimClock } from "@cairnfs/base/testing/sim-clock";
import { runWorker, type Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { type ChunkId, parseChunkId } from "@cairnfs/protocol/chunk-id";
import { MemoryNetwork } from "@cairnfs/protocol/memory/memory-network";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { changeChunk, withDebt } from "../../chunks/change-chunk.ts";
import { type ChunkRecord, NO_DOMAIN } from "../../chunks/chunk-record.ts";
import { liveCopies } from "../../chunks/replicas.ts";
import { chunks, debts } from "../../keyspace.ts";
import { ClusterPlacements } from "../../nodes/cluster-placements.ts";
import { TestManager } from "../../nodes/testing/manager.ts";
import { capacityWeighted } from "../../placement/capacity-weighted.ts";
import { listenForMembers } from "../../testing/listen-for-members.ts";
import { MemoryNode } from "../../testing/memory-node.ts";
import { openLedger } from "../ledger-state.ts";
import { NodeCalls } from "../node-calls.ts";
import { type Healing, openHealing } from "../open-healing.ts";

export const LENGTH_BYTES = 1000;

const COORDINATOR = "coordinator:1";

export interface HealingClusterOptions {
  readonly repairDelayMs?: number;
  readonly repairBytesPerSecond?: number;
  readonly repairParallelism?: number;
  readonly deadAfterMs?: number;
}

export function chunkId(number: number): ChunkId {
  return parseChunkId(number.toString(16).padStart(64, "0"));
}

/** The record of a chunk that these nodes are said to hold, as it is put. */
export function recordOf(over: Partial<ChunkRecord>): ChunkRecord {
  return {
    state: "live",
    lengthBytes: LENGTH_BYTES,
    references: 1,
    wantedCopies: 3,
    nodeNumbers: [],
    homeDomainId: NO_DOMAIN,
    homeReferences: 0,
    dueMs: 0,
    deleteEpoch: 0,
    debtCopies: undefined,
    fences: [],
    ...over,
  };
}

/** The healing of a coordinator with nodes in memory, whose heartbeats tests send, and a clock that stands still. */
export class HealingCluster {
  readonly membership: TestManager;
  readonly nodes: readonly MemoryNode[];
  readonly calls: NodeCalls;
  readonly placements: ClusterPlacements;
  readonly healing: Healing;

  private constructor(
    parts: Pick<HealingCluster, "membership" | "nodes" | "calls" | "placements" | "healing">,
  ) {
    this.membership = parts.membership;
    this.nodes = parts.nodes;
    this.calls = parts.calls;
    this.placements = parts.placements;
    this.healing = parts.healing;
  }

  static async open(
    nodeCount: number,
    options: HealingClusterOptions = {},
  ): Promise<HealingCluster> {
    const { deadAfterMs = 60_000 } = options;
    const membership = await TestManager.open({ deadAfterMs });
    const network = new MemoryNetwork();
    await listenForMembers(network, COORDINATOR, membership);
    const clock = new SystemClock();
    const nodes: MemoryNode[] = [];
    for (let number = 1; number <= nodeCount; number++) {
      const node = await MemoryNode.open(
        { network, clock },
        { name: `node-${number}`, coordinator: COORDINATOR },
      );
      await node.register();
      await node.beat();
      nodes.push(node);
    }
    const pool = new NodePool(network, { clock, random: new Prng(3), timeoutMs: 5000 });
    const { manager, kv } = membership;
    const calls = new NodeCalls(pool, manager.table);
    const placements = new ClusterPlacements(manager, capacityWeighted);
    await openLedger(kv);
    const healing = openHealing({
      kv,
      clock: membership.clock,
      random: new Prng(4),
      telemetry: silentTelemetry,
      nodes: manager,
      placements,
      calls,
      onSurplus: () => undefined,
      ledger: { isWalkPending: false, deadSinceMs: new Map() },
      config: {
        repairParallelism: 3,
        repairInFlightBytes: 10_000,
        repairDelayMs: 0,
        repairBytesPerSecond: 0,
        copiesPerNode: 2,
        ...options,
      },
    });
    return new HealingCluster({ membership, nodes, calls, placements, healing });
  }

  get kv(): KvStore {
    return this.membership.kv;
  }

  get clock(): SimClock {
    return this.membership.clock;
  }

  node(nodeNumber: number): MemoryNode {
    const node = this.nodes[nodeNumber - 1];
    if (node === undefined) throw new Error(`there is no node ${nodeNumber}`);
    return node;
  }

  /** Records a chunk that these nodes hold and prove, wanted three times. */
  async chunk(
    number: number,
    holders: readonly number[],
    claimed: readonly number[] = holders,
  ): Promise<ChunkId> {
    const id = chunkId(number);
    for (const nodeNumber of holders) {
      this.node(nodeNumber).chunks.set(id, {
        lengthBytes: LENGTH_BYTES,
        epoch: 1,
        isCorrupt: false,
      });
    }
    await this.kv.transact((tx) => {
      const record = recordOf({ nodeNumbers: claimed });
      const live = liveCopies(record, (nodeNumber) => this.placements.isLive(nodeNumber));
      changeChunk(tx, id, undefined, withDebt(record, live));
    });
    return id;
  }

  async recordOf(id: ChunkId): Promise<ChunkRecord | undefined> {
    return this.kv.read((reader) => chunks.get(reader, id));
  }

  async holdersOf(id: ChunkId): Promise<readonly number[]> {
    return [...((await this.recordOf(id))?.nodeNumbers ?? [])].sort();
  }

  debt(): Promise<(readonly [number, ChunkId])[]> {
    return this.kv.read(async (reader) =>
      (await debts.page(reader, { limit: 1000 })).map((row) => row.key),
    );
  }

  /** These nodes have been silent for long enough to be dead; all others are heard. */
  async kill(...nodeNumbers: readonly number[]): Promise<void> {
    await this.clock.advance(60_000);
    await this.beatAllBut(nodeNumbers);
    this.membership.manager.sweep(0);
  }

  async beatAllBut(nodeNumbers: readonly number[]): Promise<void> {
    for (const node of this.nodes) {
      if (!nodeNumbers.includes(node.nodeNumber)) await node.beat();
    }
  }

  /** Runs workers, time passing by `tickMs` at a time, until `check` holds. */
  async until(
    check: () => void | Promise<void>,
    { tickMs = 500, workers = this.healing.workers }: UntilOptions = {},
  ): Promise<void> {
    const stop = this.start(workers);
    try {
      await eventually(async () => {
        await this.clock.advance(tickMs);
        await check();
      }, 4000);
    } finally {
      await stop();
    }
  }

  /** Runs workers until the function returned is called. */
  start(workers: readonly Worker[] = this.healing.workers): () => Promise<void> {
    const stop = new AbortController();
    const parts = { clock: this.clock, random: new Prng(1), logger: silentLogger };
    const running = workers.map((worker) => runWorker(worker, parts, stop.signal));
    return async () => {
      stop.abort();
      await this.clock.advance(0);
      await Promise.all(running);
      await this.healing.settled();
    };
  }
}

export interface UntilOptions {
  readonly tickMs?: number;
  readonly workers?: readonly Worker[];
}
