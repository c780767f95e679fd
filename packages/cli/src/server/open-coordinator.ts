import { CairnError } from "@cairnfs/base/errors";
import { type Closable, Lifecycle } from "@cairnfs/base/lifecycle";
import { RealDisk } from "@cairnfs/base/real-disk";
import { Coordinator } from "@cairnfs/coordinator/coordinator";
import { openKv } from "@cairnfs/kv/open";
import { serverTelemetry } from "@cairnfs/observability/rpc-telemetry";
import { networksFor, openAdmin, type RunningServer, type ServerParts } from "./server-parts.ts";
import type { CoordinatorProcessConfig } from "./settings.ts";

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
    const kv = lifecycle.add(
      await openKv(kvUrl, {
        clock,
        random,
        logger: telemetry.logger,
        reserveBytes: config.kvReserveBytes,
      }),
    );
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

async function lockedFolder(disk: RealDisk, folder: string): Promise<Closable> {
  const lock = await disk.lockFolder(folder);
  if (lock === undefined) {
    throw new CairnError("storeForeign", `the data folder ${folder} is in use by another process`);
  }
  return lock;
}
