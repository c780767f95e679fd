import { BackgroundWork } from "@cairnfs/base/background-work";
import { Bell, wokenBy } from "@cairnfs/base/bell";
import { refusePublicBind } from "@cairnfs/base/bind-address";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import { type Closable, Lifecycle } from "@cairnfs/base/lifecycle";
import type { Random } from "@cairnfs/base/random";
import type { Telemetry } from "@cairnfs/base/telemetry";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { ClientInterceptor, ServerInterceptor } from "@cairnfs/protocol/rpc/interceptor";
import type { Network } from "@cairnfs/protocol/rpc/network";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import type { Router } from "@cairnfs/protocol/rpc/router";
import { type CoordinatorConfig, checkCoordinatorConfig } from "./config.ts";
import { type LedgerState, noteWalkDue, openLedger } from "./healing/ledger-state.ts";
import { NodeCalls } from "./healing/node-calls.ts";
import { NodeChunkDeleter } from "./healing/node-chunk-deleter.ts";
import { NodeChunkInventory } from "./healing/node-chunk-inventory.ts";
import { openHealing } from "./healing/open-healing.ts";
import { type ClusterIdentity, openIdentity } from "./identity.ts";
import { openMoving } from "./moving/open-moving.ts";
import { DEFAULT_NAMESPACE_SETTINGS } from "./namespace/settings.ts";
import { ClusterPlacements } from "./nodes/cluster-placements.ts";
import { type NodeId, nodeIdToBytes } from "./nodes/node-id.ts";
import { NodeManager } from "./nodes/node-manager.ts";
import { knownNumbers } from "./nodes/node-store.ts";
import { PlacementTimes } from "./nodes/placement-times.ts";
import { ResyncAllowance } from "./nodes/resync-allowance.ts";
import { SilenceWorker } from "./nodes/silence-worker.ts";
import { loadSelector } from "./placement/load-selector.ts";
import { ScrubBoard } from "./scrub/scrub-board.ts";
import { ScrubOrders } from "./scrub/scrub-orders.ts";
import { createCoordinatorRouter } from "./services/coordinator-service.ts";
import { failureLog } from "./services/failure-log.ts";
import { membershipHandlers } from "./services/membership-handlers.ts";
import { nodeHandlers } from "./services/node-handlers.ts";
import { openNamespace } from "./services/open-namespace.ts";
import { openRedundancy } from "./services/open-redundancy.ts";
import { scrubHandlers } from "./services/scrub-handlers.ts";

export interface CoordinatorParts {
  /** The metadata store; stays its maker's to close, after the coordinator. */
  readonly kv: KvStore;
  /** To listen on, and to reach datanodes. */
  readonly network: Network;
  /** To listen on for gRPC, where the configuration names an address. */
  readonly grpc?: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Around every call that is answered; without any, failures that are bugs are logged. */
  readonly interceptors?: readonly ServerInterceptor[];
  /** Around every call that the coordinator makes. */
  readonly clientInterceptors?: readonly ClientInterceptor[];
}

/** How long a node that is believed to be alive may take to say so, when another claims its id. */
const PROBE_TIMEOUT_MS = 2000;
const ROWS_PER_HEARTBEAT_MAX = 256;

/** A coordinator that is up: the namespace, the chunk map, membership, and the background care. */
export class Coordinator implements Closable {
  readonly router: Router;
  /** host:port, with the port that was really bound. */
  readonly address: string;
  readonly grpcAddress: string | undefined;
  readonly clusterId: Uint8Array;
  /** Drain, undrain and removal of nodes. */
  readonly nodes: NodeManager;
  readonly #lifecycle: Lifecycle;

  private constructor(
    parts: Pick<Coordinator, "router" | "address" | "grpcAddress" | "clusterId" | "nodes">,
    lifecycle: Lifecycle,
  ) {
    this.router = parts.router;
    this.address = parts.address;
    this.grpcAddress = parts.grpcAddress;
    this.clusterId = parts.clusterId;
    this.nodes = parts.nodes;
    this.#lifecycle = lifecycle;
  }

  /** Resolves when the coordinator listens. A store without a cluster becomes a new one. */
  static async open(config: CoordinatorConfig, parts: CoordinatorParts): Promise<Coordinator> {
    checkCoordinatorConfig(config);
    const { address, grpcAddress, allowInsecureBind } = config;
    refusePublicBind({ setting: "address", address }, allowInsecureBind);
    refusePublicBind({ setting: "grpcAddress", address: grpcAddress }, allowInsecureBind);
    const lifecycle = new Lifecycle();
    try {
      return await openWithin(lifecycle, config, parts, (opened) => {
        return new Coordinator(opened, lifecycle);
      });
    } catch (error) {
      await lifecycle.close();
      throw error;
    }
  }

  /** Stops taking calls, ends those under way, then the background work. Resolves when all of it has ended. */
  close(): Promise<void> {
    return this.#lifecycle.close();
  }
}

type Opened = Pick<Coordinator, "router" | "address" | "grpcAddress" | "clusterId" | "nodes">;

async function openWithin(
  lifecycle: Lifecycle,
  config: CoordinatorConfig,
  parts: CoordinatorParts,
  made: (opened: Opened) => Coordinator,
): Promise<Coordinator> {
  const { kv, network, clock, random, telemetry } = parts;
  const { logger } = telemetry;
  const selector = await loadSelector(config.placement, process.cwd());
  const identity = await openIdentity(kv, random);
  const pool = lifecycle.add(
    new NodePool(network, {
      clock,
      random,
      timeoutMs: config.nodeTimeoutMs,
      interceptors: parts.clientInterceptors,
    }),
  );

  // Who is there, and who gets which chunk.
  const ledger = await openLedger(kv);
  const nodes = await openNodes(config, parts, { identity, pool, ledger });
  const times = new PlacementTimes(clock, nodes.table.rows());
  const placements = new ClusterPlacements(nodes, selector, times);
  const calls = new NodeCalls(pool, nodes.table);

  // Who keeps as many copies as are wanted.
  const onSurplus = () => mover.walkAgain();
  const healing = openHealing({ ...parts, nodes, placements, calls, ledger, config, onSurplus });

  // The tree, uploads and reads.
  const removals = new Bell(clock);
  const arrivals = new Bell(clock);
  const namespace = await openNamespace({
    kv,
    clock,
    random,
    logger,
    settings: {
      ...DEFAULT_NAMESPACE_SETTINGS,
      ...config,
      inlineBytesMax: config.inlineLimitBytes,
    },
    nodes: placements,
    deleter: new NodeChunkDeleter(calls),
    inventory: new NodeChunkInventory(calls, nodes.table),
    onRemove: () => removals.ring(),
    onCompareSoon: () => arrivals.ring(),
    badReplicas: healing.badReplicas,
    onSurplus,
    readmission: healing.readmission,
    verifier: healing.verifier,
    onMended: () => healing.repair.wakeForDebt(),
    knownNodes: { isKnown: knownNumbers(), isLive: (number) => placements.isLive(number) },
  });

  // Who moves copies between nodes.
  const mover = openMoving({ ...parts, nodes, times, placements, ...healing }, config);

  // The work in the background.
  lifecycle.add(closing(() => Promise.all([healing.settled(), mover.settled()])));
  const work = lifecycle.add(new BackgroundWork({ clock, random, logger }));
  lifecycle.add(closing(() => healing.stop()));
  lifecycle.add(closing(nodes.onStateChange(() => mover.wake())));
  lifecycle.add(closing(nodes.onStateChange(() => arrivals.ring())));
  const onNode = (nodeNumber: number) => {
    const row = nodes.table.get(nodeNumber);
    if (row === undefined || row.liveness === "alive") namespace.noteNode(nodeNumber);
  };
  lifecycle.add(closing(nodes.onStateChange(onNode)));
  const silence = new SilenceWorker(nodes, clock, config);
  const trash = wokenBy(removals, namespace.trashWorker);
  const inventories = wokenBy(arrivals, namespace.inventories);
  lifecycle.add(closing(kv.onAppend(namespace.noteChange)));
  const reclaiming = namespace.workers.map((worker) => {
    const bell = namespace.bells.get(worker.name);
    return bell === undefined ? worker : wokenBy(bell, worker);
  });
  const workers = [silence, trash, inventories, ...reclaiming, ...healing.workers, mover];
  for (const worker of workers) work.start(worker);

  // Who is asked to read all copies, and how far they are.
  const { table } = nodes;
  const orders = await ScrubOrders.open(kv, clock);
  const board = new ScrubBoard({ orders, table, clock });
  const scrub = { orders, board, table, inventories: namespace.inventories };

  // What is served, and where.
  const { clusterId } = identity;
  const router = createCoordinatorRouter({
    namespace: namespace.handlers,
    trash: namespace.trash,
    scrub: scrubHandlers({ ...scrub, onAsked: () => arrivals.ring() }),
    redundancy: openRedundancy({
      ...parts,
      table,
      placements,
      calls,
      healing,
      moves: mover.progress,
      scrub: board,
      repairBytesPerSecond: config.repairBytesPerSecond,
    }),
    nodes: nodeHandlers({ kv, clock, nodes, placements, mover, options: config }),
    check: namespace.check,
    membership: membershipHandlers({
      manager: nodes,
      scrub: board,
      allowance: new ResyncAllowance(clock, config.resyncRowsPerSecond),
      clusterId,
      heartbeatIntervalMs: config.heartbeatIntervalMs,
      rowsPerAnswerMax: ROWS_PER_HEARTBEAT_MAX,
    }),
    clusterState: { kv, manager: nodes, clusterId, startedMs: Math.floor(clock.now()), ...config },
    interceptors: parts.interceptors ?? [failureLog(logger, clock)],
  });
  const listener = lifecycle.add(await network.listen(config.address, router));
  const grpcListener =
    parts.grpc === undefined || config.grpcAddress === ""
      ? undefined
      : lifecycle.add(await parts.grpc.listen(config.grpcAddress, router));
  const { address } = listener;
  const grpcAddress = grpcListener?.address;
  logger.info("the coordinator is up", { clusterId: toHex(clusterId), address, grpcAddress });
  return made({ router, address, grpcAddress, clusterId, nodes });
}

function openNodes(
  config: CoordinatorConfig,
  { kv, clock, telemetry }: CoordinatorParts,
  {
    identity,
    pool,
    ledger,
  }: {
    readonly identity: ClusterIdentity;
    readonly pool: NodePool;
    readonly ledger: LedgerState;
  },
): Promise<NodeManager> {
  const isNodeAt = async (address: string, nodeId: NodeId, signal: AbortSignal) => {
    try {
      const options = { signal, timeoutMs: PROBE_TIMEOUT_MS };
      const answer = await pool.datanode(address).healthCheck({}, options);
      return Buffer.compare(answer.nodeId, nodeIdToBytes(nodeId)) === 0;
    } catch (error) {
      // Whatever it was: no node with this id has answered there.
      if (error instanceof CairnError && !signal.aborted) return false;
      throw error;
    }
  };
  return NodeManager.open(
    { kv, clock, logger: telemetry.logger, isNodeAt, onRemoving: noteWalkDue },
    {
      clusterSecret: identity.clusterSecret,
      incarnation: identity.incarnation,
      updateLogCapacity: config.updateLogSize,
      nodesMax: config.nodesMax,
      suspectAfterMs: config.suspectAfterMs,
      deadAfterMs: config.deadAfterMs,
      deadNumbers: new Set(ledger.deadSinceMs.keys()),
    },
  );
}

function closing(stop: () => unknown): Closable {
  return {
    close: async () => {
      await stop();
    },
  };
}
