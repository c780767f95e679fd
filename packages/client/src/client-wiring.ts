import { ByteBudget } from "@cairnfs/base/byte-budget";
import type { Disk } from "@cairnfs/base/disk";
import type { Network } from "@cairnfs/protocol/rpc/network";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import { RETRY_NEVER } from "@cairnfs/protocol/rpc/retry";
import type { ClientTransport } from "@cairnfs/protocol/rpc/transport";
import type { ClientConfig } from "./config.ts";
import { coordinatorClient } from "./coordinator-client.ts";
import { CoordinatorLink } from "./coordinator-link.ts";
import type { DownloadParts } from "./download/opened-file.ts";
import { reportReplica } from "./download/report-replica.ts";
import { NodeHealth } from "./node-health.ts";
import { NodeTable } from "./node-table.ts";
import { FileLeases } from "./small-files/file-leases.ts";
import { BufferPool } from "./upload/buffer-pool.ts";
import type { UploadParts } from "./upload/upload-parts.ts";

/** What a client reaches the cluster and local files through. */
export interface ClientParts {
  readonly network: Network;
  readonly disk: Disk;
}

/** The parts of a client, put together. */
export interface ClientWiring {
  readonly coordinator: CoordinatorLink;
  readonly transports: readonly ClientTransport[];
  readonly pool: NodePool;
  readonly nodes: NodeTable;
  readonly uploads: UploadParts;
  readonly downloads: DownloadParts;
}

/** Puts the parts of a client together; nothing is sent by it. */
export function wireClient(config: ClientConfig, { network, disk }: ClientParts): ClientWiring {
  const { clock, random } = config;
  const calls = { clock, random, timeoutMs: config.timeoutMs };
  const transports = config.coordinators.map((address) => network.connect(address));
  // The link tries again by itself: it knows of the other coordinators.
  const clients = transports.map((transport) =>
    coordinatorClient(transport, { ...calls, retry: RETRY_NEVER }),
  );
  const coordinator = new CoordinatorLink(clients, config);
  const nodes = new NodeTable(async (lastSeenVersion) => {
    const reply = await coordinator.call((client, options) =>
      client.getNodeTable({ lastSeenVersion }, options),
    );
    return reply.nodes;
  });
  const pool = new NodePool(network, calls);
  const shared = {
    config,
    coordinator,
    nodes,
    health: new NodeHealth(clock),
    connect: (node: { readonly address: string }) => pool.datanode(node.address),
  };
  const limits = { inlineBytes: 4_096 };
  const monotonicMs = () => clock.monotonicMs();
  return {
    coordinator,
    transports,
    pool,
    nodes,
    uploads: {
      ...shared,
      budget: new ByteBudget(config.memoryBytes),
      disk,
      limits,
      leases: new FileLeases({ coordinator, nodes, limits, monotonicMs }),
      buffers: new BufferPool(config.memoryBytes),
    },
    downloads: {
      ...shared,
      budget: new ByteBudget(config.memoryBytes),
      report: (...copy) => reportReplica(coordinator, ...copy),
    },
  };
}
