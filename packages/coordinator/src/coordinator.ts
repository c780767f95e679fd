import { refusePublicBind } from "@cairnfs/base/bind-address";
import { toHex } from "@cairnfs/base/hex";
import { type Closable, Lifecycle } from "@cairnfs/base/lifecycle";
import type { Router } from "@cairnfs/protocol/rpc/router";
import { type CoordinatorConfig, checkCoordinatorConfig } from "./config.ts";
import type { CoordinatorParts } from "./coordinator-parts.ts";
import type { NodeManager } from "./nodes/node-manager.ts";
import { ResyncAllowance } from "./nodes/resync-allowance.ts";
import { createCoordinatorRouter } from "./services/coordinator-service.ts";
import { encryptionHandlers } from "./services/encryption-handlers.ts";
import { failureLog } from "./services/failure-log.ts";
import { membershipHandlers } from "./services/membership-handlers.ts";
import { nodeHandlers } from "./services/node-handlers.ts";
import { openRedundancy } from "./services/open-redundancy.ts";
import { scrubHandlers } from "./services/scrub-handlers.ts";
import { startWork } from "./start-work.ts";
import { type WiredParts, wireParts } from "./wire-parts.ts";

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
  const wired = await wireParts(lifecycle, config, parts);
  startWork(lifecycle, config, parts, wired);
  const router = routerOf(config, parts, wired);
  const { address, grpcAddress } = await listen(lifecycle, config, parts, router);
  const { clusterId } = wired.identity;
  const { logger } = parts.telemetry;
  logger.info("the coordinator is up", { clusterId: toHex(clusterId), address, grpcAddress });
  return made({ router, address, grpcAddress, clusterId, nodes: wired.nodes });
}

async function listen(
  lifecycle: Lifecycle,
  config: CoordinatorConfig,
  { network, grpc }: CoordinatorParts,
  router: Router,
): Promise<Pick<Coordinator, "address" | "grpcAddress">> {
  const { address } = lifecycle.add(await network.listen(config.address, router));
  if (grpc === undefined || config.grpcAddress === "") return { address, grpcAddress: undefined };
  const listener = lifecycle.add(await grpc.listen(config.grpcAddress, router));
  return { address, grpcAddress: listener.address };
}

function routerOf(config: CoordinatorConfig, parts: CoordinatorParts, wired: WiredParts): Router {
  const { kv, clock, telemetry } = parts;
  const { nodes, placements, calls, healing, mover, namespace, scrub } = wired;
  const { clusterId } = wired.identity;
  return createCoordinatorRouter({
    namespace: namespace.handlers,
    trash: namespace.trash,
    buckets: namespace.buckets,
    multiparts: namespace.multiparts,
    objects: namespace.objects,
    scrub: scrubHandlers({ ...scrub, onAsked: () => wired.arrivals.ring() }),
    redundancy: openRedundancy({
      ...parts,
      table: nodes.table,
      placements,
      calls,
      healing,
      moves: mover.progress,
      scrub: scrub.board,
      repairBytesPerSecond: config.repairBytesPerSecond,
    }),
    nodes: nodeHandlers({ kv, clock, nodes, placements, mover, options: config }),
    check: namespace.check,
    access: namespace.access,
    encryption: encryptionHandlers(wired.identity),
    membership: membershipHandlers({
      manager: nodes,
      scrub: scrub.board,
      allowance: new ResyncAllowance(clock, config.resyncRowsPerSecond),
      clusterId,
      heartbeatIntervalMs: config.heartbeatIntervalMs,
      rowsPerAnswerMax: ROWS_PER_HEARTBEAT_MAX,
    }),
    clusterState: { kv, manager: nodes, clusterId, startedMs: Math.floor(clock.now()), ...config },
    interceptors: parts.interceptors ?? [failureLog(telemetry.logger, clock)],
  });
}
