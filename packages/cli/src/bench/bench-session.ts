import { resolve } from "node:path";
import { toHex } from "@cairnfs/base/hex";
import { SystemRandom } from "@cairnfs/base/random";
import { withCluster } from "../cluster-command.ts";
import type { Context } from "../context.ts";
import { CommandFailure } from "../failure.ts";
import { findCluster } from "../find-cluster.ts";
import {
  type ClusterState,
  DATA_FOLDER,
  readState,
  runningProcesses,
} from "../local-cluster/state-file.ts";
import { Output } from "../output.ts";
import type { BenchFlags } from "./bench-flags.ts";
import { CairnTarget } from "./cairn-target.ts";
import { memoryOf, type WatchedProcess } from "./process-meter.ts";
import { StepScreen } from "./step-progress.ts";
import type { OpenTarget } from "./target.ts";

/** What a bench works with. */
export interface BenchSession {
  readonly context: Context;
  readonly output: Output;
  readonly screen: StepScreen;
  readonly target: OpenTarget;
  /** The target in words. */
  readonly targetName: string;
  /** This process first. */
  readonly watched: readonly WatchedProcess[];
  /** On the disk that is measured, as far as that is here. */
  readonly folder: string;
}

/** Opens the target in a place of its own, runs the task, and removes the place, however the task ends. */
export async function withTarget<T>(
  context: Context,
  flags: BenchFlags,
  task: (session: BenchSession) => Promise<T>,
): Promise<T> {
  const { coordinators, watched, folder } = await findTarget(context, flags);
  return withCluster(context, { ...flags, coordinator: coordinators }, async ({ client }) => {
    const target = new CairnTarget(client, `/.bench-${toHex(new SystemRandom().bytes(4))}`);
    const output = new Output(context, flags);
    const screen = new StepScreen(context, output);
    try {
      await target.prepare(flags.replicas, context.signal);
      const targetName = coordinators;
      return await task({ context, output, screen, target, targetName, watched, folder });
    } finally {
      screen.stop();
      await target.wipe();
    }
  });
}

interface FoundTarget {
  readonly coordinators: string;
  readonly watched: readonly WatchedProcess[];
  readonly folder: string;
}

/** Where the cluster is, and which processes here are watched. */
async function findTarget(context: Context, flags: BenchFlags): Promise<FoundTarget> {
  const folder = resolve(context.folder, flags.data ?? DATA_FOLDER);
  const state = await readState(folder);
  const running = await runningProcesses(state);
  const isNamed = flags.data !== undefined && flags.coordinator === undefined;
  if (isNamed && (state === undefined || running.length === 0)) {
    throw new CommandFailure(
      "usage",
      `no cluster runs out of ${folder}`,
      "`cairn cluster up --data FOLDER` starts one, --coordinator HOST:PORT names another",
    );
  }
  const coordinators =
    isNamed && state !== undefined
      ? state.coordinator
      : (await findCluster(context, flags.coordinator)).coordinators.join(",");
  const isLocal = flags.data !== undefined || isOf(state, coordinators);
  return {
    coordinators,
    watched: await watchedProcesses(isLocal ? running : [], flags),
    folder: isLocal && running.length > 0 ? folder : context.folder,
  };
}

function isOf(state: ClusterState | undefined, coordinators: string): boolean {
  return state !== undefined && coordinators.split(",").includes(state.coordinator);
}

/** This process, those of a local cluster, and those that the user has named. */
export async function watchedProcesses(
  local: readonly WatchedProcess[],
  flags: Pick<BenchFlags, "pid">,
): Promise<WatchedProcess[]> {
  const named = (flags.pid ?? []).map(({ role, pid }) => ({ name: role, role, pid }));
  for (const { pid } of named) {
    if (process.platform === "linux" && (await memoryOf(pid)) === undefined) {
      throw new CommandFailure("usage", `no process with id ${pid} runs here`);
    }
  }
  return [
    { name: "client", role: "client", pid: process.pid },
    ...local.map(({ name, role, pid }) => ({ name, role, pid })),
    ...named,
  ];
}
