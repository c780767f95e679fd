import { present } from "@cairnfs/base/assert";
import type { Clock } from "@cairnfs/base/clock";
import { type Closable, Lifecycle } from "@cairnfs/base/lifecycle";
import { Prng } from "@cairnfs/base/random";
import { silentTelemetry } from "@cairnfs/base/telemetry";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import type { DataNodeService } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { MemoryNetwork } from "@cairnfs/protocol/memory/memory-network";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { RETRY_NEVER } from "@cairnfs/protocol/rpc/retry";
import {
  type StoreChunkOptions,
  type StoredCopies,
  storeChunk,
} from "@cairnfs/protocol/transfer/store-chunk";
import { type DatanodeConfig, datanodeSettings } from "../config.ts";
import { Datanode } from "../datanode.ts";
import { TrialCoordinator } from "./trial-coordinator.ts";
import { TrialStore } from "./trial-store.ts";

export const SESSION_ID = new Uint8Array(16).fill(7);

/** One datanode of a trial cluster and what tests do to it. */
export interface TrialNode {
  readonly number: number;
  readonly address: string;
  readonly datanode: Datanode;
  readonly store: TrialStore;
  readonly disk: FaultDisk;
  readonly client: ServiceClient<typeof DataNodeService>;
}

/** Some datanodes in one process on one memory network, all on one simulated clock, numbered from 1. */
export class TrialCluster implements Closable {
  readonly clock = new SimClock();
  readonly network: MemoryNetwork = new MemoryNetwork({ clock: this.clock });
  readonly coordinator = new TrialCoordinator();
  readonly nodes: TrialNode[] = [];
  readonly #lifecycle = new Lifecycle();
  readonly #pool = this.#lifecycle.add(
    new NodePool(this.network.host("client"), {
      clock: this.clock,
      random: new Prng(99),
      timeoutMs: 10_000,
      retry: RETRY_NEVER,
    }),
  );

  static async open(
    nodeCount: number,
    changes: Partial<DatanodeConfig> = {},
  ): Promise<TrialCluster & AsyncDisposable> {
    const cluster = new TrialCluster();
    cluster.#lifecycle.add(await cluster.network.listen("coordinator", cluster.coordinator.router));
    for (let number = 1; number <= nodeCount; number++) await cluster.add(changes);
    await cluster.clock.advance(2000);
    return Object.assign(cluster, { [Symbol.asyncDispose]: () => cluster.close() });
  }

  /** One more node; resolves when it has registered. */
  async add(changes: Partial<DatanodeConfig> = {}): Promise<TrialNode> {
    const number = this.nodes.length + 1;
    const { clock } = this;
    const store = new TrialStore(clock, 2 ** 30);
    const disk = new FaultDisk(new Prng(number));
    const datanode = await openDatanode({
      clock,
      network: this.network,
      number,
      store,
      disk,
      changes,
    });
    this.#lifecycle.add(datanode);
    const { address } = datanode;
    const client = this.#pool.datanode(address);
    const node = { number, address, datanode, store, disk, client };
    this.nodes.push(node);
    while (datanode.nodeNumber === undefined) await clock.advance(10);
    return node;
  }

  node(number: number): TrialNode {
    return present(this.nodes[number - 1], `there is no node ${number}`);
  }

  /** Stores through node 1, with all others as replicas unless told otherwise. */
  store(
    pieces: AsyncIterable<Uint8Array> | Uint8Array,
    options: Partial<StoreChunkOptions> = {},
  ): Promise<StoredCopies> {
    const source = pieces instanceof Uint8Array ? once(pieces) : pieces;
    return storeChunk(this.node(1).client, source, {
      clock: this.clock,
      sessionId: SESSION_ID,
      epoch: 1,
      writeQuorum: 2,
      replicaNodeNumbers: this.nodes.slice(1).map((node) => node.number),
      ...options,
    });
  }

  /** The outcome of a promise, while time goes on in steps of 100 ms until there is one. */
  async outcome<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    let isSettled = false;
    const watched = promise.finally(() => {
      isSettled = true;
    });
    watched.catch(() => undefined);
    for (let passedMs = 0; !isSettled && passedMs < withinMs; passedMs += 100) {
      for (let turn = 0; turn < 50 && !isSettled; turn++) await this.clock.advance(0);
      if (!isSettled) await this.clock.advance(100);
    }
    return watched;
  }

  close(): Promise<void> {
    for (const { store } of this.nodes) store.release();
    return this.#lifecycle.close();
  }
}

export interface OpenDatanodeOptions {
  readonly clock: Clock;
  readonly network: MemoryNetwork;
  readonly number: number;
  /** Without one the node opens the store that the configuration names, on the disk. */
  readonly store?: TrialStore;
  readonly disk: FaultDisk;
  readonly changes: Partial<DatanodeConfig>;
}

/** A datanode as the trial cluster has them. */
export function openDatanode({
  clock,
  network,
  number,
  store,
  disk,
  changes,
}: OpenDatanodeOptions): Promise<Datanode> {
  const config = datanodeSettings.parse({
    dataDir: "/data",
    store: "memory",
    address: `node-${number}`,
    grpcAddress: "",
    httpAddress: "",
    coordinatorAddress: "coordinator",
    ...changes,
  });
  return Datanode.open(config, {
    disk,
    network: network.host(`node-${number}`),
    clock,
    random: new Prng(1000 + number),
    telemetry: silentTelemetry,
    ...(store === undefined ? {} : { store }),
  });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
