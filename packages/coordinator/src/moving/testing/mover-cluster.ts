import { SystemClock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import { silentLogger, silentTelemetry } from "@cairnfs/base/telemetry";
import { eventually } from "@cairnfs/base/testing/eventually";
import { runWorker } from "@cairnfs/base/worker";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { MemoryNetwork } from "@cairnfs/protocol/memory/memory-network";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { changeChunk, withDebt } from "../../chunks/change-chunk.ts";
import type { ChunkRecord } from "../../chunks/chunk-record.ts";
import { ChunkCopier } from "../../healing/chunk-copier.ts";
import { NodeCalls } from "../../healing/node-calls.ts";
import { NodeReplicaVerifier } from "../../healing/node-replica-verifier.ts";
import { chunks, drops } from "../../keyspace.ts";
import { ClusterPlacements } from "../../nodes/cluster-placements.ts";
import { PlacementTimes } from "../../nodes/placement-times.ts";
import { TestManager } from "../../nodes/testing/manager.ts";
import { capacityWeighted } from "../../placement/capacity-weighted.ts";
import { listenForMembers } from "../../testing/listen-for-members.ts";
import { MemoryNode } from "../../testing/memory-node.ts";
import type { Mover } from "../mover.ts";
import { type MovingOptions, openMoving } from "../open-moving.ts";
import { chunkIdOf, recordOf } from "./field.ts";

const OPTIONS: MovingOptions = {
  moveParallelism: 4,
  moveBytesPerSecond: 1e9,
  rebalance: true,
  rebalanceThresholdPercent: 5,
};

const COORDINATOR = "coordinator:1";

export interface NodePlace {
  readonly zone?: string;
  readonly rack?: string;
  readonly capacityBytes?: number;
}

/** A mover over nodes in memory, on a clock that tests move. */
export class MoverCluster {
  readonly membership: TestManager;
  readonly nodes: MemoryNode[] = [];
  readonly mover: Mover;
  readonly placements: ClusterPlacements;
  /** What repair says of itself; tests set it. */
  readonly repairProgress = {
    isOff: false,
    runningChunks: 0,
    waitingChunks: 0,
    waitingBytes: 0,
    waitingUntilMs: undefined,
    stuckChunks: 0,
    setBackChunks: 0,
    copiedBytes: 0,
    bytesPerSecond: 0,
  };
  readonly times: PlacementTimes;
  readonly reports: { readonly chunkId: ChunkId; readonly nodeNumber: number }[] = [];
  readonly #network: MemoryNetwork;

  private constructor(
    membership: TestManager,
    network: MemoryNetwork,
    options: Partial<MovingOptions>,
  ) {
    this.membership = membership;
    this.#network = network;
    const { manager, kv, clock } = membership;
    const random = new Prng(4);
    const pool = new NodePool(network, {
      clock: new SystemClock(),
      random: new Prng(3),
      timeoutMs: 5000,
    });
    const calls = new NodeCalls(pool, manager.table);
    const { table } = manager;
    this.times = new PlacementTimes(clock, []);
    this.placements = new ClusterPlacements(manager, capacityWeighted, this.times);
    const { placements } = this;
    this.mover = openMoving(
      {
        kv,
        nodes: manager,
        times: this.times,
        placements,
        copier: new ChunkCopier(
          { table, placements, calls, random },
          { copiesPerNode: 4, waitingMax: 100 },
        ),
        verifier: new NodeReplicaVerifier(calls),
        ledger: { progress: { isExact: true, sinceMs: 0, share: 1 } },
        repair: { progress: this.repairProgress },
        badReplicas: { report: (report) => this.reports.push(report) > 0 },
        clock,
        random,
        telemetry: silentTelemetry,
      },
      { ...OPTIONS, ...options },
    );
    manager.onStateChange(() => this.mover.wake());
  }

  static async open(
    places: readonly NodePlace[],
    options: Partial<MovingOptions> = {},
  ): Promise<MoverCluster> {
    const membership = await TestManager.open();
    const network = new MemoryNetwork();
    await listenForMembers(network, COORDINATOR, membership);
    const cluster = new MoverCluster(membership, network, options);
    for (const place of places) await cluster.join(place);
    return cluster;
  }

  async join(place: NodePlace = {}): Promise<MemoryNode> {
    const node = await MemoryNode.open(
      { network: this.#network, clock: new SystemClock() },
      { name: `node-${this.nodes.length + 1}`, coordinator: COORDINATOR },
    );
    node.capacityBytes = place.capacityBytes ?? node.capacityBytes;
    await node.register(place);
    await node.beat();
    this.nodes.push(node);
    return node;
  }

  node(nodeNumber: number): MemoryNode {
    const node = this.nodes[nodeNumber - 1];
    if (node === undefined) throw new Error(`there is no node ${nodeNumber}`);
    return node;
  }

  /** Records a chunk that these nodes hold. */
  async chunk(
    number: number,
    holders: readonly number[],
    over: Partial<ChunkRecord> = {},
  ): Promise<ChunkId> {
    const id = chunkIdOf(number);
    const record = recordOf(holders, over);
    const { lengthBytes } = record;
    for (const nodeNumber of holders) {
      this.node(nodeNumber).chunks.set(id, { lengthBytes, epoch: 1, isCorrupt: false });
    }
    await this.membership.kv.transact(async (tx) => {
      const live = holders.filter((nodeNumber) => this.placements.isLive(nodeNumber)).length;
      changeChunk(tx, id, undefined, withDebt(record, live));
    });
    return id;
  }

  async holdersOf(id: ChunkId): Promise<readonly number[]> {
    const record = await this.membership.kv.read((reader) => chunks.get(reader, id));
    return [...(record?.nodeNumbers ?? [])].sort((one, other) => one - other);
  }

  /** Every record, and how many copies each node is to delete. */
  async records(): Promise<ReadonlyMap<ChunkId, ChunkRecord>> {
    return this.membership.kv.read(async (reader) => {
      const rows = await chunks.page(reader, { limit: 10_000 });
      return new Map(rows.map(({ key, value }) => [key, value]));
    });
  }

  async dropsOf(nodeNumber: number): Promise<readonly ChunkId[]> {
    const page = { within: [nodeNumber] as const, limit: 10_000 };
    const rows = await this.membership.kv.read((reader) => drops.page(reader, page));
    return rows.map(({ key }) => key[1]);
  }

  stateOf(nodeNumber: number): string | undefined {
    return this.membership.manager.table.get(nodeNumber)?.duty;
  }

  change(nodeNumber: number, event: "drain" | "undrain") {
    return this.membership.manager.changeDuty(nodeNumber, event, new AbortController().signal);
  }

  /** Runs the mover, time passing, until `check` holds. */
  async until(check: () => void | Promise<void>): Promise<void> {
    await this.running(async (pass) => {
      await eventually(async () => {
        await pass(200);
        await check();
      }, 10_000);
    });
  }

  /** Runs the mover while `body` lets time pass. */
  async running(body: (pass: (ms: number) => Promise<void>) => Promise<void>): Promise<void> {
    const { clock } = this.membership;
    const stop = new AbortController();
    const parts = { clock, random: new Prng(1), logger: silentLogger };
    const running = runWorker(this.mover, parts, stop.signal);
    try {
      await body(async (ms) => {
        await clock.advance(ms);
        for (const node of this.nodes) if (!this.silent.has(node.nodeNumber)) await node.beat();
      });
    } finally {
      stop.abort();
      await clock.advance(0);
      await running;
      await this.mover.settled();
    }
  }

  /** Nodes that send no heartbeats. */
  readonly silent = new Set<number>();
}
