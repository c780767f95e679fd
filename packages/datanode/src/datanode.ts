import { BackgroundWork } from "@cairnfs/base/background-work";
import { refusePublicBind } from "@cairnfs/base/bind-address";
import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import { toHex } from "@cairnfs/base/hex";
import { type Closable, Lifecycle } from "@cairnfs/base/lifecycle";
import type { Random } from "@cairnfs/base/random";
import type { Metrics, Telemetry } from "@cairnfs/base/telemetry";
import { DataNodeService } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { createRouter } from "@cairnfs/protocol/rpc/create-router";
import type { ClientInterceptor, ServerInterceptor } from "@cairnfs/protocol/rpc/interceptor";
import type { Network } from "@cairnfs/protocol/rpc/network";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { RETRY_NEVER } from "@cairnfs/protocol/rpc/retry";
import type { Router } from "@cairnfs/protocol/rpc/router";
import { CoordinatorLink, type NodeDescription } from "./cluster/coordinator-link.ts";
import { DiskHealth } from "./cluster/disk-health.ts";
import { HeartbeatWorker } from "./cluster/heartbeat-worker.ts";
import { NodeCache } from "./cluster/node-cache.ts";
import { readNodeTable, writeNodeTable } from "./cluster/node-table-file.ts";
import type { DatanodeConfig } from "./config.ts";
import { openNodeHome } from "./node-home.ts";
import { openScrub } from "./scrub/open-scrub.ts";
import { Admission } from "./services/admission.ts";
import { datanodeService } from "./services/datanode-service.ts";
import { failureLog } from "./services/failure-log.ts";
import type { ChunkStore } from "./store/chunk-store.ts";

export interface DatanodeParts {
  readonly disk: Disk;
  /** To listen on, and to reach the coordinator and other nodes. */
  readonly network: Network;
  /** To listen on for gRPC, where the configuration names an address. */
  readonly grpc?: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Around every call that is answered; without any, failures that are bugs are logged. */
  readonly interceptors?: readonly ServerInterceptor[];
  /** Around every call that the node makes. */
  readonly clientInterceptors?: readonly ClientInterceptor[];
  /** Used instead of the store that the configuration names, and closed with the node. */
  readonly store?: ChunkStore;
  /** The release that health checks are told. */
  readonly version?: string;
}

/** How many streams may wait for memory; more are told to go elsewhere. */
const WAITING_STREAMS_MAX = 256;

/**
 * The keeper of one disk. It comes up and serves what it has whether or not the coordinator answers, and joins the
 * cluster as soon as it does.
 */
export class Datanode implements Closable {
  /** host:port of the framed transport, with the port that was really bound. */
  readonly address: string;
  /** Undefined when gRPC is not offered. */
  readonly grpcAddress: string | undefined;
  readonly router: Router;
  readonly #link: CoordinatorLink;
  readonly #lifecycle: Lifecycle;

  private constructor(opened: Opened, lifecycle: Lifecycle) {
    this.address = opened.address;
    this.grpcAddress = opened.grpcAddress;
    this.router = opened.router;
    this.#link = opened.link;
    this.#lifecycle = lifecycle;
  }

  /** Undefined before the node has joined a cluster for the first time. */
  get nodeNumber(): number | undefined {
    return this.#link.membership?.nodeNumber;
  }

  /** Whether the coordinator that answered last knows this node. */
  get isRegistered(): boolean {
    return this.#link.isRegistered;
  }

  /** Whether the coordinator has said that this node was removed: it is never registered again. */
  get isRemoved(): boolean {
    return this.#link.isRemoved;
  }

  /** Resolves when the node listens; `storeForeign` when the data folder is another node's or in use. */
  static async open(config: DatanodeConfig, parts: DatanodeParts): Promise<Datanode> {
    const { address, grpcAddress, allowInsecureBind } = config;
    refusePublicBind({ setting: "address", address }, allowInsecureBind);
    refusePublicBind({ setting: "grpcAddress", address: grpcAddress }, allowInsecureBind);
    const lifecycle = new Lifecycle();
    try {
      return new Datanode(await openWithin(lifecycle, config, parts), lifecycle);
    } catch (error) {
      await lifecycle.close();
      throw error;
    }
  }

  /** Stops heartbeats and calls, ends those under way, then closes the store. */
  close(): Promise<void> {
    return this.#lifecycle.close();
  }
}

interface Opened {
  readonly address: string;
  readonly grpcAddress: string | undefined;
  readonly router: Router;
  readonly link: CoordinatorLink;
}

async function openWithin(
  lifecycle: Lifecycle,
  config: DatanodeConfig,
  parts: DatanodeParts,
): Promise<Opened> {
  const { disk, network, clock, random, telemetry } = parts;
  const { logger, metrics } = telemetry;

  // The disk: who this node is, its chunks, and what it knew of the cluster.
  const home = { disk, clock, random, logger, store: parts.store };
  const { folder, store } = await openNodeHome(config, home, lifecycle);
  const { nodeId } = folder;
  const kept = { membership: folder.joined, nodes: await readNodeTable(disk, config.dataDir) };
  const health = new DiskHealth(
    { disk, clock },
    { dataDir: config.dataDir, probeMs: config.diskProbeMs },
  );

  // The others.
  const pool = lifecycle.add(
    new NodePool(network, {
      clock,
      random,
      timeoutMs: config.peerTimeoutMs,
      // The heartbeat and the replication have their own ideas of what to do next.
      retry: RETRY_NEVER,
      interceptors: parts.clientInterceptors,
    }),
  );
  const nodes = new NodeCache();
  const admission = openAdmission(config, metrics);
  const link = new CoordinatorLink(
    {
      coordinator: pool.coordinator(config.coordinatorAddress),
      nodes,
      logger,
      join: (membership) => folder.join(membership),
      keepTable: (table) => writeNodeTable(disk, config.dataDir, table),
    },
    nodeId,
    kept,
  );

  // Who reads the copies when nobody else does.
  const scrub = await openScrub(config, { disk, store, link, clock, random, telemetry }, lifecycle);

  // What is served, and where.
  const router = createRouter(parts.interceptors ?? [failureLog(logger, clock)])
    .add(
      DataNodeService,
      datanodeService({
        nodeId,
        version: parts.version ?? "unknown",
        store,
        clock,
        logger,
        config,
        link,
        nodes,
        health,
        admission,
        replicasLost: metrics.counter(
          "cairn_datanode_replicas_lost_total",
          "Replicas that did not take a chunk from this node, by reason.",
          ["reason"],
        ),
        datanode: (address) => pool.datanode(address),
      }),
    )
    .build();
  const { address, grpcAddress } = await listen(lifecycle, config, parts, router);

  // The cluster is told of the node once it can be reached.
  const self = describe(config, { address, grpcAddress });
  const work = lifecycle.add(new BackgroundWork({ clock, random, logger }));
  const heartbeat = new HeartbeatWorker(
    { link, store, health, random, logger, metrics, self, scrub },
    { retryMs: config.heartbeatRetryMs },
  );
  for (const worker of [heartbeat, ...scrub.workers]) work.start(worker);
  logger.info("the datanode is up", { nodeId: toHex(nodeId), address, grpcAddress });
  return { address, grpcAddress, router, link };
}

function openAdmission({ bufferBudgetBytes }: DatanodeConfig, metrics: Metrics): Admission {
  const admission = new Admission({
    totalBytes: bufferBudgetBytes,
    waitingMax: WAITING_STREAMS_MAX,
  });
  const help = "Memory reserved for chunks on their way in.";
  metrics.observed("cairn_datanode_buffered_bytes", help, () => admission.usedBytes);
  return admission;
}

type Addresses = Pick<Opened, "address" | "grpcAddress">;

async function listen(
  lifecycle: Lifecycle,
  config: DatanodeConfig,
  { network, grpc }: DatanodeParts,
  router: Router,
): Promise<Addresses> {
  const { address } = lifecycle.add(await network.listen(config.address, router));
  if (grpc === undefined || config.grpcAddress === "") return { address, grpcAddress: undefined };
  const listener = lifecycle.add(await grpc.listen(config.grpcAddress, router));
  return { address, grpcAddress: listener.address };
}

/** What the cluster is told: the addresses that were bound, unless others lead there. */
function describe(config: DatanodeConfig, bound: Addresses): NodeDescription {
  const { advertisedAddress, advertisedGrpcAddress, zone, rack } = config;
  return {
    address: advertisedAddress === "" ? bound.address : advertisedAddress,
    grpcAddress: advertisedGrpcAddress === "" ? (bound.grpcAddress ?? "") : advertisedGrpcAddress,
    zone,
    rack,
  };
}
