import { resolve } from "node:path";
import { deadlineAfter } from "@cairnfs/base/clock";
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
import type { S3Access } from "./s3/s3-client.ts";
import { S3Client } from "./s3/s3-client.ts";
import { S3Target } from "./s3/s3-target.ts";
import { StepScreen } from "./step-progress.ts";
import type { BenchTarget } from "./target.ts";
import type { TargetPlan } from "./target-plan.ts";

/** What a bench works with. */
export interface BenchSession {
  readonly context: Context;
  readonly output: Output;
  readonly screen: StepScreen;
  readonly target: BenchTarget;
  /** How other processes reach the target. */
  readonly plan: TargetPlan;
  /** The target in words. */
  readonly targetName: string;
  /** This process first. */
  readonly watched: readonly WatchedProcess[];
  /** On the disk that is measured, as far as that is here. */
  readonly folder: string;
}

const WIPE_WITHIN_MS = 120_000;

/** Opens the target in a place of its own, runs the task, and removes the place, however the task ends. */
export async function withTarget(
  context: Context,
  flags: BenchFlags,
  task: (session: BenchSession) => Promise<void>,
): Promise<void> {
  const top = `.bench-${toHex(new SystemRandom().bytes(4))}`;
  if (flags.s3 !== undefined) await withS3(context, flags, { endpoint: flags.s3, top }, task);
  else await withCairn(context, flags, `/${top}`, task);
}

async function withCairn(
  context: Context,
  flags: BenchFlags,
  top: string,
  task: (session: BenchSession) => Promise<void>,
): Promise<void> {
  const { coordinators, watched, folder } = await findTarget(context, flags);
  const targetName = coordinators.join(",");
  await withCluster(context, { ...flags, coordinator: targetName }, async ({ client }) => {
    const target = new CairnTarget(client, top);
    const plan = { kind: "cairn", coordinators, top } as const;
    await inPlace(context, flags, target, async (parts) => {
      await target.prepare(flags.replicas, context.signal);
      await task({ ...parts, target, plan, targetName, watched, folder });
    });
  });
}

async function withS3(
  context: Context,
  flags: BenchFlags,
  { endpoint, top }: { readonly endpoint: string; readonly top: string },
  task: (session: BenchSession) => Promise<void>,
): Promise<void> {
  if (flags.replicas !== undefined) {
    throw new CommandFailure("usage", "--replicas is for CairnFS; with --s3 the service decides");
  }
  const { bucket } = flags;
  const access = s3Access(context, flags, endpoint);
  const watched = await watchedProcesses([], flags);
  const client = new S3Client(access, context.clock);
  const plan = { kind: "s3", access, bucket, top: `${top}/` } as const;
  const target = new S3Target(client, bucket, plan.top);
  try {
    await target.prepare(context.signal);
    await inPlace(context, flags, target, (parts) =>
      task({
        ...parts,
        target,
        plan,
        targetName: `${endpoint}, bucket ${bucket}`,
        watched,
        folder: context.folder,
      }),
    );
  } finally {
    client.close();
  }
}

/** Removes what was made, also after Ctrl-C; what fails then is told only when nothing else has failed. */
async function inPlace(
  context: Context,
  flags: BenchFlags,
  target: BenchTarget,
  task: (parts: Pick<BenchSession, "context" | "output" | "screen">) => Promise<void>,
): Promise<void> {
  const output = new Output(context, flags);
  const screen = new StepScreen(context, output);
  const wipe = async () => {
    screen.say("removing what was made");
    // Not the run's signal: after Ctrl-C this is what is left to do.
    const deadline = deadlineAfter(context.clock, WIPE_WITHIN_MS);
    await target.wipe(deadline.signal).finally(() => deadline.release());
  };
  try {
    await task({ context, output, screen });
  } catch (error) {
    await wipe().catch(() => undefined);
    throw error;
  } finally {
    screen.stop();
  }
  await wipe().finally(() => screen.stop());
}

function s3Access(context: Context, flags: BenchFlags, endpoint: string): S3Access {
  const { env } = context;
  if (!/^https?:\/\/[^/?#]+\/?$/u.test(endpoint)) {
    throw new CommandFailure("usage", `${endpoint} is no endpoint`, "like http://127.0.0.1:9000");
  }
  const accessKey = flags.accessKey ?? env.AWS_ACCESS_KEY_ID;
  const secretKey = flags.secretKey ?? env.AWS_SECRET_ACCESS_KEY;
  if (!accessKey || !secretKey) {
    throw new CommandFailure(
      "usage",
      "S3 needs keys",
      "give --access-key and --secret-key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    );
  }
  const region = flags.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? "us-east-1";
  return { endpoint, accessKey, secretKey, region };
}

interface FoundTarget {
  readonly coordinators: readonly string[];
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
  const named = isNamed ? state?.coordinator : flags.coordinator;
  const { coordinators } = await findCluster(context, named);
  const isLocal = flags.data !== undefined || isOf(state, coordinators);
  return {
    coordinators,
    watched: await watchedProcesses(isLocal ? running : [], flags),
    folder: isLocal && running.length > 0 ? folder : context.folder,
  };
}

function isOf(state: ClusterState | undefined, coordinators: readonly string[]): boolean {
  return state !== undefined && coordinators.includes(state.coordinator);
}

/** This process, those of a local cluster, and those that the user has named. */
async function watchedProcesses(
  local: readonly WatchedProcess[],
  flags: BenchFlags,
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
