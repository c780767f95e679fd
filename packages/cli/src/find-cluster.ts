import { join } from "node:path";
import type { Context } from "./context.ts";
import { CommandFailure } from "./failure.ts";
import { DATA_FOLDER, readState, runningProcesses } from "./local-cluster/state-file.ts";
import { readUserConfig, userConfigPath } from "./user-config.ts";

/** Where the cluster is, and who said so. */
export interface FoundCluster {
  readonly coordinators: readonly string[];
  readonly origin: string;
}

/**
 * The cluster a command speaks to: the flag, else CAIRN_COORDINATOR, else a cluster that runs out of this folder, else what
 * `cairn config set coordinator` saved.
 */
export async function findCluster(
  context: Context,
  flag: string | undefined,
): Promise<FoundCluster> {
  const { env } = context;
  if (flag !== undefined) return found(flag, "--coordinator");
  if (env.CAIRN_COORDINATOR) return found(env.CAIRN_COORDINATOR, "CAIRN_COORDINATOR");
  const folder = join(context.folder, DATA_FOLDER);
  const state = await readState(folder);
  if (state !== undefined && (await runningProcesses(state)).length > 0) {
    return found(state.coordinator, folder);
  }
  const { coordinator } = await readUserConfig(env);
  if (coordinator !== undefined) return found(coordinator, userConfigPath(env));
  throw new CommandFailure(
    "usage",
    state === undefined ? "no cluster is known here" : `the cluster of ${folder} is not running`,
    state === undefined
      ? "`cairn dev` starts one, --coordinator HOST:PORT or `cairn config set coordinator HOST:PORT` names one"
      : `\`cairn ${state.kind === "dev" ? "dev" : "cluster up"}\` starts it again`,
  );
}

function found(addresses: string, origin: string): FoundCluster {
  const coordinators = addresses
    .split(",")
    .map((address) => address.trim())
    .filter((address) => address !== "");
  for (const address of coordinators) {
    if (!/^(?:\[[^\]]+\]|[^\s:/]+):\d{1,5}$/u.test(address)) {
      throw new CommandFailure(
        "usage",
        `${address} (${origin}) is no address of a coordinator`,
        "an address is HOST:PORT, like 127.0.0.1:7070",
      );
    }
  }
  return { coordinators, origin };
}
