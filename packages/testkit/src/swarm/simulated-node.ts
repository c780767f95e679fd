import { create } from "@bufbuild/protobuf";
import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import type { Random } from "@cairnfs/base/random";
import { silentLogger, silentMetrics } from "@cairnfs/base/telemetry";
import { runWorker } from "@cairnfs/base/worker";
import {
  CoordinatorLink,
  type CoordinatorLinkParts,
} from "@cairnfs/datanode/cluster/coordinator-link";
import { DiskHealth } from "@cairnfs/datanode/cluster/disk-health";
import { HeartbeatWorker } from "@cairnfs/datanode/cluster/heartbeat-worker";
import { NodeCache } from "@cairnfs/datanode/cluster/node-cache";
import { MemoryChunkStore } from "@cairnfs/datanode/store/memory/memory-chunk-store";
import { type Node, NodeUpdatesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { DataNodeService } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { sizeOfParts } from "@cairnfs/protocol/rpc/codec";
import { createClient } from "@cairnfs/protocol/rpc/create-client";
import type { Network } from "@cairnfs/protocol/rpc/network";
import { RETRY_NEVER } from "@cairnfs/protocol/rpc/retry";
import type { Router } from "@cairnfs/protocol/rpc/router";
import type { ClientTransport, Listener } from "@cairnfs/protocol/rpc/transport";
import { type SharedRows, splitAnswer } from "./shared-rows.ts";
import type { SwarmTally } from "./swarm-tally.ts";

export interface SimulatedNodeParts {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  /** Never written to. */
  readonly disk: Disk;
  readonly rows: SharedRows;
  readonly tally: SwarmTally;
}

export interface SimulatedNodeOptions {
  readonly coordinatorAddress: string;
  /** Where the node listens; each has an address of its own. */
  readonly address: string;
  readonly zone: string;
  readonly rack: string;
}

const CAPACITY_BYTES = 4e12;
const RETRY_MS = 1_000;
const TIMEOUT_MS = 10_000;
/** The fields of the answers that hold the node updates, by method. */
const UPDATES_FIELDS: Readonly<Record<string, number>> = { RegisterNode: 5, Heartbeat: 1 };

/**
 * A datanode as the coordinator knows it: the heartbeats, the membership and the copy of the node table are the
 * datanode's own code, on a connection of its own. It has no chunks and keeps nothing on a disk.
 */
export class SimulatedNode {
  readonly #nodes: NodeCache;
  readonly #link: CoordinatorLink;
  readonly #transport: ClientTransport;
  readonly #listener: Listener;
  readonly #parts: SimulatedNodeParts;
  readonly #options: SimulatedNodeOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  private constructor(
    parts: SimulatedNodeParts,
    options: SimulatedNodeOptions,
    made: { readonly listener: Listener; readonly nodes: NodeCache },
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#listener = made.listener;
    this.#nodes = made.nodes;
    this.#transport = parts.network.connect(options.coordinatorAddress);
    this.#link = new CoordinatorLink(
      {
        coordinator: this.#coordinator(),
        nodes: this.#nodes,
        logger: silentLogger,
        join: () => Promise.resolve(),
        keepTable: () => Promise.resolve(),
      },
      parts.random.bytes(16),
      { membership: undefined, nodes: undefined },
    );
  }

  /** A node that listens and says nothing yet. */
  static async open(
    parts: SimulatedNodeParts,
    options: SimulatedNodeOptions,
  ): Promise<SimulatedNode> {
    const listener = await parts.network.listen(options.address, emptyNode);
    return new SimulatedNode(parts, options, { listener, nodes: new NodeCache() });
  }

  /** The version of its copy of the node table; 0 before it has one. */
  get version(): number {
    return Number(this.#nodes.version);
  }

  /** The whole copy of the node table. */
  get nodes(): NodeCache {
    return this.#nodes;
  }

  get nodeNumber(): number | undefined {
    return this.#link.membership?.nodeNumber;
  }

  /** Joins the cluster, and stays heard until it is closed. */
  start(): void {
    const { clock, random, disk } = this.#parts;
    const worker = new HeartbeatWorker(
      {
        link: this.#link,
        store: new MemoryChunkStore(clock, CAPACITY_BYTES),
        health: new DiskHealth({ disk, clock }, { dataDir: "/", probeMs: 1_000 }),
        random,
        logger: silentLogger,
        metrics: silentMetrics,
        self: {
          address: this.#listener.address,
          grpcAddress: "",
          zone: this.#options.zone,
          rack: this.#options.rack,
        },
      },
      { retryMs: RETRY_MS },
    );
    this.#running = runWorker(worker, { clock, random, logger: silentLogger }, this.#stop.signal);
  }

  /** Falls silent, as a process that was killed. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#transport.close();
    await this.#running;
    await this.#listener.close();
  }

  /** The real client, with node updates decoded aside: those of all nodes share their rows. */
  #coordinator(): CoordinatorLinkParts["coordinator"] {
    const { clock, random, tally, rows } = this.#parts;
    const aside: { updates: Uint8Array | undefined } = { updates: undefined };
    const inner = this.#transport;
    const transport: ClientTransport = {
      address: inner.address,
      unary: async (path, request, options) => {
        const method = path.slice(path.lastIndexOf("/") + 1);
        const startedMs = clock.monotonicMs();
        const answer = await tally.watch(method, () => inner.unary(path, request, options));
        const split = splitAnswer(answer, UPDATES_FIELDS[method] ?? 0);
        aside.updates = split.updates;
        tally.noteCall(method, {
          durationMs: clock.monotonicMs() - startedMs,
          sentBytes: sizeOfParts(request),
          receivedBytes: answer.byteLength,
        });
        return split.rest;
      },
      stream: (path, requests, options) => inner.stream(path, requests, options),
      close: () => Promise.resolve(),
    };
    const client = createClient(CoordinatorService, transport, {
      clock,
      random,
      timeoutMs: TIMEOUT_MS,
      retry: RETRY_NEVER,
    });
    // A node has one call under way at a time, so what is aside is of the answer that came last.
    const updatesOf = () => {
      const { updates } = aside;
      aside.updates = undefined;
      if (updates === undefined) return undefined;
      const decoded = rows.decode(updates);
      tally.noteUpdates({ ...decoded, sizeBytes: updates.byteLength });
      const message = create(NodeUpdatesSchema, {
        version: decoded.version,
        requiresFullResync: decoded.isWhole,
      });
      // Only ever read.
      message.nodes = decoded.nodes as Node[];
      return message;
    };
    return {
      registerNode: async (request, options) => {
        const answer = await client.registerNode(request, options);
        return Object.assign(answer, { nodes: updatesOf() });
      },
      heartbeat: async (request, options) => {
        const answer = await client.heartbeat(request, options);
        return Object.assign(answer, { nodes: updatesOf() });
      },
      reportBadReplica: (request, options) => client.reportBadReplica(request, options),
    };
  }
}

const LIST_CHUNKS = `/${DataNodeService.typeName}/${DataNodeService.method.listChunks.name}`;

/** Says that it holds nothing, for comparisons of inventories: an answer without fields has no bytes. */
const emptyNode: Router = {
  find: (path) =>
    path === LIST_CHUNKS ? { path, kind: "unary", unary: async () => [] } : undefined,
  routes: () => [],
};
