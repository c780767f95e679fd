import { create } from "@bufbuild/protobuf";
import { type Clock, SystemClock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { NodeSchema, NodeState } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { DataNodeService } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { MemoryNetwork } from "@cairnfs/protocol/memory/memory-network";
import { receiptKey } from "@cairnfs/protocol/receipt";
import { createRouter } from "@cairnfs/protocol/rpc/create-router";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import type { Listener } from "@cairnfs/protocol/rpc/transport";
import { type CairnClient, connect } from "../client.ts";
import type { ConnectOptions } from "../config.ts";
import { MemoryCoordinator } from "./memory-coordinator.ts";
import { MemoryDatanode } from "./memory-datanode.ts";

export interface MemoryClusterOptions {
  readonly nodeCount?: number;
  readonly inlineLimitBytes?: number;
  readonly chunkSizeBytes?: number;
  readonly clock?: Clock;
  /** Small files can be written under leases; not unless given. */
  readonly hasLeases?: boolean;
}

/** A whole cluster in this process on a memory network, for tests of the client: real messages, memory behind them. */
export class MemoryCluster implements AsyncDisposable {
  readonly network: MemoryNetwork;
  readonly coordinator: MemoryCoordinator;
  readonly nodes: MemoryDatanode[] = [];
  readonly #clock: Clock;
  readonly #pool: NodePool;
  readonly #listeners: Listener[] = [];
  readonly #clients: CairnClient[] = [];
  #coordinatorListener: Listener | undefined;

  private constructor(options: MemoryClusterOptions) {
    this.#clock = options.clock ?? new SystemClock();
    this.network = new MemoryNetwork({ clock: this.#clock });
    const calls = { clock: this.#clock, random: new Prng(1), timeoutMs: 10_000 };
    this.#pool = new NodePool(this.network, calls);
    this.coordinator = new MemoryCoordinator({
      inlineLimitBytes: options.inlineLimitBytes ?? 4_096,
      chunkSizeBytes: options.chunkSizeBytes ?? 256 * 1024,
      hasLeases: options.hasLeases ?? false,
      receiptKey: keyOf,
    });
  }

  static async open(options: MemoryClusterOptions = {}): Promise<MemoryCluster> {
    const cluster = new MemoryCluster(options);
    await cluster.startCoordinator();
    for (let number = 1; number <= (options.nodeCount ?? 3); number++) await cluster.addNode();
    return cluster;
  }

  async startCoordinator(): Promise<void> {
    const router = createRouter().add(CoordinatorService, this.coordinator.handlers()).build();
    this.#coordinatorListener = await this.network.listen(COORDINATOR, router);
  }

  /** Stops answering; what it knows is kept. */
  async stopCoordinator(): Promise<void> {
    await this.#coordinatorListener?.close();
    this.#coordinatorListener = undefined;
  }

  async addNode(): Promise<MemoryDatanode> {
    const nodeNumber = this.nodes.length + 1;
    const node = new MemoryDatanode({
      nodeNumber,
      receiptKey: keyOf(nodeNumber),
      clock: this.#clock,
      peer: ({ address }) => this.#pool.datanode(address),
    });
    const router = createRouter().add(DataNodeService, node.handlers()).build();
    this.#listeners.push(await this.network.listen(addressOf(nodeNumber), router));
    this.nodes.push(node);
    const row = {
      nodeNumber,
      nodeId: nodeId(nodeNumber),
      address: addressOf(nodeNumber),
      zone: `zone-${nodeNumber}`,
      state: NodeState.HEALTHY,
    };
    this.coordinator.nodes = [...this.coordinator.nodes, create(NodeSchema, row)];
    this.coordinator.nodesVersion += 1n;
    return node;
  }

  node(nodeNumber: number): MemoryDatanode {
    const node = this.nodes[nodeNumber - 1];
    if (node === undefined) throw new Error(`there is no node ${nodeNumber}`);
    return node;
  }

  cut(nodeNumber: number): void {
    this.network.cut(addressOf(nodeNumber));
  }

  heal(nodeNumber: number): void {
    this.network.heal(addressOf(nodeNumber));
  }

  /** The nodes that hold a chunk. */
  holders(id: ChunkId): MemoryDatanode[] {
    return this.nodes.filter((node) => node.copies.has(id));
  }

  get receivedBytes(): number {
    return this.nodes.reduce((sum, node) => sum + node.receivedBytes, 0);
  }

  /** A client of this cluster, quick to give up; closed with it. */
  async connect(options: Partial<ConnectOptions> = {}): Promise<CairnClient> {
    const client = await connect({
      coordinator: COORDINATOR,
      network: this.network.host(`client-${this.#clients.length}`),
      clock: this.#clock,
      // Clients with the same chance would have the same id, and answer for each other.
      random: new Prng(7 + this.#clients.length),
      patienceMs: 5_000,
      stallMs: 2_000,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.#pool.close();
    await this.stopCoordinator();
    for (const listener of this.#listeners) await listener.close();
  }
}

const COORDINATOR = "coordinator:1";
const SECRET = new Uint8Array(32).fill(9);

function addressOf(nodeNumber: number): string {
  return `node-${nodeNumber}:1`;
}

function nodeId(nodeNumber: number): Uint8Array {
  return new Uint8Array(16).fill(nodeNumber);
}

function keyOf(nodeNumber: number): Uint8Array {
  return receiptKey(SECRET, nodeId(nodeNumber));
}
