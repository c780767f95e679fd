import { join } from "node:path";
import { CairnError } from "@cairnfs/base/errors";
import { type Closable, Lifecycle } from "@cairnfs/base/lifecycle";
import { loadConfig } from "@cairnfs/config/load";
import { FramedNetwork } from "@cairnfs/protocol/framed/framed-network";
import { openCoordinator } from "../server/open-coordinator.ts";
import { openDatanode } from "../server/open-datanode.ts";
import { openGateway } from "../server/open-gateway.ts";
import type { RootKey, RunningServer, ServerParts } from "../server/server-parts.ts";
import {
  coordinatorProcessSettings,
  datanodeProcessSettings,
  gatewayProcessSettings,
} from "../server/settings.ts";
import { waitForNodes } from "./wait-for-nodes.ts";

export interface DevOptions {
  readonly dataFolder: string;
  /** Of the coordinator; gRPC and metrics take the ports after it. 0 takes free ones. */
  readonly port: number;
  readonly datanodes: number;
  /** Of the gateway; 0 takes a free one, undefined: there is no gateway. */
  readonly s3Port: number | undefined;
  /** What the first access key is to be; a fresh one when there is none here. */
  readonly rootKey: RootKey | undefined;
}

/** A whole cluster in this process. */
export interface DevCluster extends Closable {
  readonly coordinator: RunningServer;
  readonly datanodes: readonly RunningServer[];
  readonly gateway: RunningServer | undefined;
  /** The folders of datanodes that were removed from the cluster. */
  readonly removedFolders: readonly string[];
}

const HEALTHY_WITHIN_MS = 20_000;
const LOOPBACK = "127.0.0.1";

/** Opens a coordinator and datanodes on embedded defaults, on loopback alone; resolves when all nodes are healthy. */
export async function openDevCluster(
  options: DevOptions,
  parts: ServerParts,
  signal: AbortSignal,
): Promise<DevCluster> {
  const lifecycle = new Lifecycle();
  try {
    const coordinator = lifecycle.add(await openCoordinator(coordinatorConfig(options), parts));
    const indexes = Array.from({ length: options.datanodes }, (_, at) => at + 1);
    const opened = await Promise.allSettled(
      indexes.map((index) =>
        openDatanode(datanodeConfig(options, index, coordinator.address), parts),
      ),
    );
    const datanodes: RunningServer[] = [];
    for (const outcome of opened) {
      if (outcome.status === "fulfilled") datanodes.push(lifecycle.add(outcome.value));
    }
    for (const outcome of opened) if (outcome.status === "rejected") throw outcome.reason;
    const removed = await waitForNodes(
      coordinator.address,
      datanodes.map((node, at) => ({ ...node, name: `datanode-${at + 1}` })),
      HEALTHY_WITHIN_MS,
      { ...parts, network: new FramedNetwork(parts) },
      signal,
    );
    const gone = new Set(removed.map(({ address }) => address));
    const members = datanodes.filter(({ address }) => !gone.has(address));
    const removedFolders = removed.map(({ name }) => join(options.dataFolder, name));
    const gateway =
      options.s3Port === undefined
        ? undefined
        : lifecycle.add(
            await openGateway(gatewayConfig(options, coordinator.address), parts, {
              canTell: true,
            }),
          );
    return {
      coordinator,
      datanodes: members,
      gateway,
      removedFolders,
      close: () => lifecycle.close(),
    };
  } catch (error) {
    await lifecycle.close();
    if (signal.aborted) throw new CairnError("cancelled", "interrupted");
    throw error;
  }
}

function coordinatorConfig({ dataFolder, port, datanodes }: DevOptions) {
  return loadConfig(coordinatorProcessSettings, {
    flags: {
      address: `${LOOPBACK}:${port}`,
      grpcAddress: `${LOOPBACK}:${port === 0 ? 0 : port + 1}`,
      httpAddress: `${LOOPBACK}:${port === 0 ? 0 : port + 2}`,
      dataDir: join(dataFolder, "coordinator"),
      defaultReplicationFactor: Math.min(3, datanodes),
    },
  });
}

function datanodeConfig({ dataFolder }: DevOptions, index: number, coordinatorAddress: string) {
  return loadConfig(datanodeProcessSettings, {
    flags: {
      address: `${LOOPBACK}:0`,
      grpcAddress: "",
      httpAddress: "",
      dataDir: join(dataFolder, `datanode-${index}`),
      coordinatorAddress,
    },
  });
}

function gatewayConfig({ s3Port, rootKey }: DevOptions, coordinatorAddress: string) {
  return loadConfig(gatewayProcessSettings, {
    flags: {
      address: `${LOOPBACK}:${s3Port ?? 0}`,
      httpAddress: "",
      coordinatorAddress,
      rootAccessKeyId: rootKey?.accessKeyId ?? "",
      rootSecretKey: rootKey?.secretKey ?? "",
    },
  });
}
