import { CairnError, hasReason } from "@cairnfs/base/errors";
import { Lifecycle } from "@cairnfs/base/lifecycle";
import { type CairnClient, connect } from "@cairnfs/client";
import { Gateway } from "@cairnfs/gateway/gateway";
import type { ReadinessCheck } from "@cairnfs/observability/admin-http";
import { openAdmin, type RootKey, type RunningServer, type ServerParts } from "./server-parts.ts";
import type { GatewayProcessConfig } from "./settings.ts";

const PIECE_BYTES = 2 * 1024 * 1024;

/**
 * Opens a gateway on a cluster, and its admin HTTP. The root user's first key is made when there never was one: what the settings say it is,
 * or a fresh one if `canTell`, for whoever starts it to be told.
 */
export async function openGateway(
  config: GatewayProcessConfig,
  parts: ServerParts,
  { canTell }: { readonly canTell: boolean },
): Promise<RunningServer> {
  refuseHalfKey(config);
  const lifecycle = new Lifecycle();
  try {
    const client = lifecycle.add(await connectTo(config, parts));
    const rootKey = await ensureRootKey(client, config, parts, canTell);
    const gateway = lifecycle.add(await Gateway.open(config, { ...parts, client }));
    const cluster: ReadinessCheck = {
      name: "cluster",
      check: async (signal) => {
        const nodes = await client.nodes({ signal });
        return nodes.some(({ state }) => state === "healthy")
          ? undefined
          : "no datanode is healthy";
      },
    };
    const httpAddress = await openAdmin(config, parts, [cluster], lifecycle);
    return { address: gateway.address, httpAddress, rootKey, close: () => lifecycle.close() };
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

function refuseHalfKey({ rootAccessKeyId, rootSecretKey }: GatewayProcessConfig): void {
  if ((rootAccessKeyId === "") === (rootSecretKey === "")) return;
  throw new CairnError(
    "invalidConfig",
    "rootAccessKeyId and rootSecretKey (CAIRN_ROOT_ACCESS_KEY_ID and CAIRN_ROOT_SECRET_KEY) are set together or not at all: one without the other is no key",
  );
}

function connectTo(config: GatewayProcessConfig, parts: ServerParts): Promise<CairnClient> {
  const { coordinatorAddress, zone, memoryBytes, patienceMs } = config;
  return connect({
    coordinator: coordinatorAddress.split(","),
    clock: parts.clock,
    random: parts.random,
    logger: parts.telemetry.logger,
    zone: zone === "" ? undefined : zone,
    memoryBytes,
    patienceMs,
    // What a reader who is slow holds of memory that nobody can wait for.
    pieceBytes: PIECE_BYTES,
  });
}

async function ensureRootKey(
  client: CairnClient,
  { rootAccessKeyId, rootSecretKey }: GatewayProcessConfig,
  { telemetry: { logger } }: ServerParts,
  canTell: boolean,
): Promise<RootKey | undefined> {
  if (rootAccessKeyId !== "") {
    await client.access.ensureRootKey({
      pair: { accessKeyId: rootAccessKeyId, secretKey: rootSecretKey },
    });
    if (!(await isKnown(client, rootAccessKeyId))) {
      logger.warn(
        "the root key of the settings is not used: the cluster has had a root key before; `cairn key create` makes more",
        { accessKeyId: rootAccessKeyId },
      );
    }
    // Who set it knows it.
    return undefined;
  }
  if (canTell) {
    const made = await client.access.ensureRootKey();
    return made === undefined
      ? undefined
      : { accessKeyId: made.accessKeyId, secretKey: made.secretKey };
  }
  if (!(await hasKeys(client))) {
    logger.warn(
      "nobody has an access key yet: `cairn key create` makes one. None is made here, since it would stand in a log",
    );
  }
  return undefined;
}

async function isKnown(client: CairnClient, accessKeyId: string): Promise<boolean> {
  try {
    await client.access.findKey(accessKeyId);
    return true;
  } catch (error) {
    if (hasReason(error, "accessKeyNotFound")) return false;
    throw error;
  }
}

async function hasKeys(client: CairnClient): Promise<boolean> {
  for await (const _ of client.access.listKeys()) return true;
  return false;
}
