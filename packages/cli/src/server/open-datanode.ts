import { Lifecycle } from "@cairnfs/base/lifecycle";
import { RealDisk } from "@cairnfs/base/real-disk";
import { Datanode } from "@cairnfs/datanode/datanode";
import type { ReadinessCheck } from "@cairnfs/observability/admin-http";
import { clientTelemetry, serverTelemetry } from "@cairnfs/observability/rpc-telemetry";
import { VERSION } from "../version.ts";
import { networksFor, openAdmin, type RunningServer, type ServerParts } from "./server-parts.ts";
import type { DatanodeProcessConfig } from "./settings.ts";

/** What readiness says of the registration of a node that was removed from its cluster. */
export const REMOVED_VERDICT = "the node was removed from the cluster";

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
      check: () => {
        if (datanode.isRemoved) return REMOVED_VERDICT;
        return datanode.isRegistered ? undefined : "the coordinator does not know this node";
      },
    };
    const httpAddress = await openAdmin(config, parts, [registration], lifecycle);
    return {
      address: datanode.address,
      grpcAddress: datanode.grpcAddress,
      httpAddress,
      wasRemoved: () => datanode.isRemoved,
      close: () => lifecycle.close(),
    };
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}
