import { SystemClock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { silentLogger, silentMetrics } from "@cairnfs/base/telemetry";
import { eventually } from "@cairnfs/base/testing/eventually";
import { runWorker } from "@cairnfs/base/worker";
import { type ChunkId, parseChunkId } from "@cairnfs/protocol/chunk-id";
import { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { MemoryNetwork } from "@cairnfs/protocol/memory/memory-network";
import { createRouter } from "@cairnfs/protocol/rpc/create-router";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { expect, test } from "vitest";
import { changeChunk, withDebt } from "../chunks/change-chunk.ts";
import { NO_DOMAIN } from "../chunks/chunk-record.ts";
import { readCounters } from "../counters.ts";
import { openIdentity } from "../identity.ts";
import { chunks, debts } from "../keyspace.ts";
import { ClusterPlacements } from "../nodes/cluster-placements.ts";
import { ResyncAllowance } from "../nodes/resync-allowance.ts";
import { TestManager } from "../nodes/testing/manager.ts";
import { capacityWeighted } from "../placement/capacity-weighted.ts";
import { membershipHandlers } from "../services/membership-handlers.ts";
import { MemoryNode } from "../testing/memory-node.ts";
import { ChunkCopier } from "./chunk-copier.ts";
import { ChunkRepairer } from "./chunk-repairer.ts";
import { NodeCalls } from "./node-calls.ts";
import { NodeChunkDeleter } from "./node-chunk-deleter.ts";
import { NodeReplicaVerifier } from "./node-replica-verifier.ts";
import { RepairWorker } from "./repair-worker.ts";

const never = new AbortController().signal;
const LENGTH_BYTES = 1000;

function chunkId(number: number): ChunkId {
  return parseChunkId(number.toString(16).padStart(64, "0"));
}

class Cluster {
  readonly membership: TestManager;
  readonly nodes: readonly MemoryNode[];
  readonly calls: NodeCalls;
  readonly worker: RepairWorker;
  readonly placements: ClusterPlacements;

  private constructor(membership: TestManager, nodes: readonly MemoryNode[], pool: NodePool) {
    this.membership = membership;
    this.nodes = nodes;
    const { manager, kv } = membership;
    const random = new Prng(4);
    this.calls = new NodeCalls(pool, manager.table);
    this.placements = new ClusterPlacements(manager, capacityWeighted);
    const repairer = new ChunkRepairer({
      kv,
      table: manager.table,
      placements: this.placements,
      copier: new ChunkCopier(
        { table: manager.table, placements: this.placements, calls: this.calls, random },
        { copiesPerNode: 2, waitingMax: 64 },
      ),
      verifier: new NodeReplicaVerifier(this.calls),
      logger: silentLogger,
    });
    this.worker = new RepairWorker(
      { kv, repairer, clock: membership.clock, random, metrics: silentMetrics },
      { parallelism: 3, inFlightBytes: 10_000 },
    );
  }

  static async open(nodeCount: number): Promise<Cluster> {
    const membership = await TestManager.open();
    const { clusterId } = await openIdentity(membership.kv, new Prng(2));
    const network = new MemoryNetwork();
    const handlers = membershipHandlers({
      manager: membership.manager,
      allowance: new ResyncAllowance(membership.clock, 1e6),
      clusterId,
      heartbeatIntervalMs: 3000,
      rowsPerAnswerMax: 256,
    });
    const refuse = () => {
      throw new CairnError("unimplemented", "membership only");
    };
    const all = new Proxy(handlers, {
      get: (target, name) => Reflect.get(target, name) ?? refuse,
    }) as ServiceHandlers<typeof CoordinatorService>;
    const router = createRouter().add(CoordinatorService, all).build();
    await network.listen("coordinator:1", router);
    const clock = new SystemClock();
    const nodes: MemoryNode[] = [];
    for (let number = 1; number <= nodeCount; number++) {
      const node = await MemoryNode.open(
        { network, clock },
        { name: `node-${number}`, coordinator: "coordinator:1" },
      );
      await node.register();
      await node.beat();
      nodes.push(node);
    }
    const pool = new NodePool(network, { clock, random: new Prng(3), timeoutMs: 5000 });
    return new Cluster(membership, nodes, pool);
  }

  node(nodeNumber: number): MemoryNode {
    const node = this.nodes[nodeNumber - 1];
    if (node === undefined) throw new Error(`there is no node ${nodeNumber}`);
    return node;
  }

  /** Records a chunk that these nodes hold and prove, wanted three times. */
  async chunk(number: number, holders: readonly number[], claimed = holders): Promise<ChunkId> {
    const id = chunkId(number);
    for (const nodeNumber of holders) {
      this.node(nodeNumber).chunks.set(id, {
        lengthBytes: LENGTH_BYTES,
        epoch: 1,
        isCorrupt: false,
      });
    }
    await this.membership.kv.transact(async (tx) => {
      const record = {
        state: "live",
        lengthBytes: LENGTH_BYTES,
        references: 1,
        wantedCopies: 3,
        nodeNumbers: claimed,
        homeDomainId: NO_DOMAIN,
        homeReferences: 0,
        dueMs: 0,
        deleteEpoch: 0,
        debtCopies: undefined,
        fences: [],
      } as const;
      const live = claimed.filter((nodeNumber) => this.placements.isLive(nodeNumber)).length;
      changeChunk(tx, id, undefined, withDebt(record, live));
    });
    return id;
  }

  async holdersOf(id: ChunkId): Promise<readonly number[]> {
    const record = await this.membership.kv.read((reader) => chunks.get(reader, id));
    return [...(record?.nodeNumbers ?? [])].sort();
  }

  debt(): Promise<(readonly [number, ChunkId])[]> {
    return this.membership.kv.read(async (reader) =>
      (await debts.page(reader, { limit: 1000 })).map((row) => row.key),
    );
  }

  /** Runs the worker, time passing, until `check` holds. */
  async until(check: () => Promise<void>): Promise<void> {
    const { clock } = this.membership;
    const stop = new AbortController();
    const parts = { clock, random: new Prng(1), logger: silentLogger };
    const running = runWorker(this.worker, parts, stop.signal);
    try {
      await eventually(async () => {
        await clock.advance(500);
        await check();
      }, 4000);
    } finally {
      stop.abort();
      await clock.advance(0);
      await running;
    }
  }
}

test("chunks with too few copies get them, proved by receipts, and the ledger is empty then", async () => {
  const cluster = await Cluster.open(4);
  const ids: ChunkId[] = [];
  for (let number = 1; number <= 40; number++) {
    ids.push(await cluster.chunk(number, number % 2 === 0 ? [1, 2] : [1 + (number % 4)]));
  }
  expect(await cluster.debt()).toHaveLength(40);
  await cluster.until(async () => expect(await cluster.debt()).toEqual([]));
  for (const id of ids) {
    const holders = await cluster.holdersOf(id);
    expect(holders).toHaveLength(3);
    for (const nodeNumber of holders) expect(cluster.node(nodeNumber).chunks.has(id)).toBe(true);
  }
  const counters = await cluster.membership.kv.read(readCounters);
  expect(counters).toMatchObject({ debtChunks: 0, debtBytes: 0 });
});

test("a copy is spread away from the holders' zones by the same selector", async () => {
  const cluster = await Cluster.open(5);
  const id = await cluster.chunk(1, [1, 2]);
  await cluster.until(async () => expect(await cluster.debt()).toEqual([]));
  const holders = await cluster.holdersOf(id);
  expect(holders.slice(0, 2)).toEqual([1, 2]);
});

test("the chunk with the fewest copies comes first", async () => {
  const cluster = await Cluster.open(4);
  for (let number = 1; number <= 20; number++) await cluster.chunk(number, [1, 2]);
  const urgent = await cluster.chunk(99, [1]);
  await cluster.worker.step(never);
  await cluster.worker.settled();
  expect(await cluster.holdersOf(urgent)).toHaveLength(2);
});

test("a node that fails is passed over for another", async () => {
  const cluster = await Cluster.open(4);
  const id = await cluster.chunk(1, [1, 2]);
  const failing = cluster.placements.placeCopy({
    seed: Buffer.from(id, "hex"),
    chunkSizeBytes: LENGTH_BYTES,
    holders: [1, 2],
    excluded: new Set(),
  });
  cluster.node(failing ?? 0).failure = new CairnError("storeFull", "no room");
  const other = failing === 3 ? 4 : 3;
  await cluster.until(async () => expect(await cluster.holdersOf(id)).toEqual([1, 2, other]));
});

test("a copy whose node does not prove it is not recorded", async () => {
  const cluster = await Cluster.open(3);
  const id = await cluster.chunk(1, [1, 2]);
  const { receiptKey } = cluster.node(3);
  cluster.node(3).receiptKey = Buffer.alloc(32, 1);
  await cluster.until(async () => expect(cluster.node(3).chunks.has(id)).toBe(true));
  expect(await cluster.holdersOf(id)).toEqual([1, 2]);
  expect(await cluster.debt()).toEqual([[2, id]]);
  cluster.node(3).receiptKey = receiptKey;
  await cluster.until(async () => expect(await cluster.holdersOf(id)).toEqual([1, 2, 3]));
});

test("copies that their nodes do not have after all are taken out of the record", async () => {
  const cluster = await Cluster.open(5);
  const id = await cluster.chunk(1, [2], [1, 2]);
  cluster.node(2).chunks.delete(id);
  cluster.node(2).chunks.set(id, { lengthBytes: LENGTH_BYTES, epoch: 1, isCorrupt: true });
  await cluster.until(async () => expect(await cluster.holdersOf(id)).toEqual([]));
  expect(await cluster.debt()).toEqual([[0, id]]);
  // The corrupt one is kept for inspection by its node, and no longer counts.
  expect(cluster.node(2).chunks.get(id)?.isCorrupt).toBe(true);
});

test("of two sources the intact one is used, and the copy is on three nodes in the end", async () => {
  const cluster = await Cluster.open(4);
  const id = await cluster.chunk(1, [2], [1, 2]);
  await cluster.until(async () => expect(await cluster.debt()).toEqual([]));
  expect(await cluster.holdersOf(id)).toHaveLength(3);
});

test("a lost chunk stays in the ledger under no copies, and leaves it when its holders come back", async () => {
  const cluster = await Cluster.open(4);
  const id = await cluster.chunk(1, [1, 2]);
  await cluster.membership.silence(60_000);
  await cluster.until(async () => expect(await cluster.debt()).toEqual([[0, id]]));
  for (const node of cluster.nodes) await node.beat();
  cluster.worker.wake();
  await cluster.until(async () => expect(await cluster.debt()).toEqual([]));
  expect(await cluster.holdersOf(id)).toHaveLength(3);
});

test("when no node can take one more copy the worker rests longer and longer, until it is woken", async () => {
  const cluster = await Cluster.open(2);
  const id = await cluster.chunk(1, [1, 2]);
  let reads = 0;
  const { kv, clock } = cluster.membership;
  const read = kv.read.bind(kv);
  kv.read = (body) => {
    reads += 1;
    return read(body);
  };
  const stop = new AbortController();
  const parts = { clock, random: new Prng(1), logger: silentLogger };
  const running = runWorker(cluster.worker, parts, stop.signal);
  for (let minute = 0; minute < 60; minute++) await clock.advance(60_000);
  // A pass over one chunk reads three times; sixty minutes have at most so many long pauses.
  expect(reads).toBeLessThan(3 * 140);
  expect(await cluster.debt()).toEqual([[2, id]]);

  cluster.worker.wakeForDebt();
  const readsBefore = reads;
  await clock.advance(1);
  expect(reads).toBe(readsBefore);
  cluster.worker.wake();
  await clock.advance(1);
  expect(reads).toBeGreaterThan(readsBefore);
  stop.abort();
  await clock.advance(0);
  await running;
});

test("without debt the worker sleeps until it is told of some", async () => {
  const cluster = await Cluster.open(4);
  const { clock } = cluster.membership;
  const stop = new AbortController();
  const parts = { clock, random: new Prng(1), logger: silentLogger };
  const running = runWorker(cluster.worker, parts, stop.signal);
  await clock.advance(10_000);
  const id = await cluster.chunk(1, [1, 2]);
  await clock.advance(1000);
  expect(await cluster.holdersOf(id)).toEqual([1, 2]);
  cluster.worker.wakeForDebt();
  await eventually(async () => {
    await clock.advance(100);
    expect(await cluster.holdersOf(id)).toHaveLength(3);
  }, 4000);
  stop.abort();
  await clock.advance(0);
  await running;
});

test("copies are verified and deleted by asking their nodes", async () => {
  const cluster = await Cluster.open(2);
  const id = await cluster.chunk(1, [1]);
  const verifier = new NodeReplicaVerifier(cluster.calls);
  const deleter = new NodeChunkDeleter(cluster.calls);
  expect(await verifier.verify({ nodeNumber: 1, chunkId: id }, never)).toBe("intact");
  expect(await verifier.verify({ nodeNumber: 2, chunkId: id }, never)).toBe("missing");
  const all = { nodeNumber: 1, chunkIds: [id, chunkId(2)] };
  await deleter.deleteChunks({ ...all, epochMax: 0 }, never);
  expect(cluster.node(1).chunks.has(id)).toBe(true);
  expect(await deleter.deleteChunks({ ...all, epochMax: 1 }, never)).toEqual([true, true]);
  expect(cluster.node(1).chunks.has(id)).toBe(false);
  expect(await deleter.deleteChunks({ ...all, nodeNumber: 9, epochMax: 1 }, never)).toEqual([
    true,
    true,
  ]);
  await cluster.membership.silence(60_000);
  const dead = deleter.deleteChunks({ ...all, epochMax: 1 }, never);
  await expect(dead).rejects.toMatchObject({ reason: "unreachable" });
});
