import { refusePublicBind } from "@cairnfs/base/bind-address";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { type Closable, Lifecycle } from "@cairnfs/base/lifecycle";
import type { Random } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import { Coordinator } from "@cairnfs/coordinator/coordinator";
import { Datanode } from "@cairnfs/datanode/datanode";
import { openKv } from "@cairnfs/kv/open";
import { AdminHttp, type ReadinessCheck } from "@cairnfs/observability/admin-http";
import { clientTelemetry, serverTelemetry } from "@cairnfs/observability/rpc-telemetry";
import { FramedNetwork } from "@cairnfs/protocol/framed/framed-network";
import type { Network } from "@cairnfs/protocol/rpc/network";
import { VERSION } from "../version.ts";
import type { CoordinatorProcessConfig, DatanodeProcessConfig } from "./settings.ts";
import type { ProcessTelemetry } from "./telemetry.ts";

export interface ServerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: ProcessTelemetry;
}

/** A server that is up, and where. */
export interface RunningServer extends Closable {
  readonly address: string;
  readonly grpcAddress?: string | undefined;
  readonly httpAddress?: string | undefined;
}

/**
 * Opens the metadata store, the coordinator on it, and its admin HTTP. The data folder is this process's alone until it
 * closes: a second one is refused with `storeForeign`.
 */
export async function openCoordinator(
  config: CoordinatorProcessConfig,
  parts: ServerParts,
): Promise<RunningServer> {
  const lifecycle = new Lifecycle();
  try {
    const disk = new RealDisk();
    await disk.makeFolder(config.dataDir);
    lifecycle.add(await lockedFolder(disk, config.dataDir));
    const kvUrl = config.kvUrl === "" ? `lmdb:${config.dataDir}/metadata` : config.kvUrl;
    const { clock, random, telemetry } = parts;
    const kv = lifecycle.add(await openKv(kvUrl, { clock, random, logger: telemetry.logger }));
    const coordinator = lifecycle.add(
      await Coordinator.open(
        { ...config, kvUrl },
        {
          ...parts,
          kv,
          ...(await networksFor(config, parts)),
          interceptors: [serverTelemetry(telemetry, clock)],
        },
      ),
    );
    const httpAddress = await openAdmin(config, parts, [], lifecycle);
    return {
      address: coordinator.address,
      grpcAddress: coordinator.grpcAddress,
      httpAddress,
      close: () => lifecycle.close(),
    };
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

/** Opens the datanode of a data folder, and its admin HTTP. */
export async function openDatanode(
  config: DatanodeProcessConfig,
  parts: ServerParts,
): Promise<RunningServer> {
  const lifecycle = new Lifecycle();
  try {
    const datanode = lifecycle.add(
      await Datanode.open(config, {
        ...parts,
        disk: new RealDisk(),
        version: VERSION,
        interceptors: [serverTelemetry(parts.telemetry, parts.clock)],
        clientInterceptors: [clientTelemetry(parts.telemetry, parts.clock)],
        ...(await networksFor(config, parts)),
      }),
    );
    const registration: ReadinessCheck = {
      name: "registration",
      check: () => (datanode.isRegistered ? undefined : "the coordinator does not know this node"),
    };
    const httpAddress = await openAdmin(config, parts, [registration], lifecycle);
    return {
      address: datanode.address,
      grpcAddress: datanode.grpcAddress,
      httpAddress,
      close: () => lifecycle.close(),
    };
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

async function lockedFolder(disk: RealDisk, folder: string): Promise<Closable> {
  const lock = await disk.lockFolder(folder);
  if (lock === undefined) {
    throw new CairnError("storeForeign", `the data folder ${folder} is in use by another process`);
  }
  return lock;
}

async function networksFor(
  config: { readonly grpcAddress: string },
  { clock }: ServerParts,
): Promise<{ readonly network: Network; readonly grpc?: Network }> {
  const network = new FramedNetwork({ clock });
  if (config.grpcAddress === "") return { network };
  // Loaded where it is offered: it takes longer than all the rest.
  const { GrpcNetwork } = await import("@cairnfs/protocol/grpc/grpc-network");
  return { network, grpc: new GrpcNetwork({ clock }) };
}

interface AdminSettings {
  readonly httpAddress: string;
  readonly allowInsecureBind: boolean;
}

async function openAdmin(
  { httpAddress, allowInsecureBind }: AdminSettings,
  { clock, telemetry }: ServerParts,
  checks: readonly ReadinessCheck[],
  lifecycle: Lifecycle,
): Promise<string | undefined> {
  if (httpAddress === "") return undefined;
  refusePublicBind({ setting: "httpAddress", address: httpAddress }, allowInsecureBind);
  const { logger, metrics } = telemetry;
  const admin = lifecycle.add(
    await AdminHttp.open({ address: httpAddress, clock, logger, metrics, checks }),
  );
  return admin.address;
}
