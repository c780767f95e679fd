import { access, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { parseAddress } from "@cairnfs/base/bind-address";
import type { Clock } from "@cairnfs/base/clock";
import { hasErrorCode } from "@cairnfs/base/disk";
import { lockFolder } from "@cairnfs/base/folder-lock";
import { Limit } from "@cairnfs/base/limit";
import { SystemRandom } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import { FramedNetwork } from "@cairnfs/protocol/framed/framed-network";
import { CommandFailure } from "../failure.ts";
import type { RootKey } from "../server/server-parts.ts";
import { refuseTakenAddress } from "./port-holder.ts";
import { type StartedServer, startServer, stopServer } from "./server-process.ts";
import {
  type ClusterState,
  type LocalProcess,
  readState,
  removeState,
  runningProcesses,
  writeState,
} from "./state-file.ts";
import { waitForNodes } from "./wait-for-nodes.ts";

export interface UpOptions {
  readonly dataFolder: string;
  /** Of the coordinator; the same as before unless given, 7070 at first. 0 takes a free one. */
  readonly port: number | undefined;
  /** As many as before unless given, six at first. */
  readonly datanodes: number | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of each process as it is up. */
  tell(process: LocalProcess, wasRunning: boolean): void;
  /** Told of the first access key, when this start of a gateway made it. */
  tellRootKey(key: RootKey): void;
  /** Told of each datanode that turned out to be removed from the cluster, when its process has ended. */
  tellRemoved(process: LocalProcess): void;
}

const PORT = 7070;
/** From the coordinator's port to the gateway's. */
const S3_STEP = 20;
const DATANODES = 6;
const HEALTHY_WITHIN_MS = 30_000;
const LOOPBACK = "127.0.0.1";

/**
 * Starts what is missing and resolves when every datanode is healthy, with the state that was saved. Datanodes that were removed from the
 * cluster are ended and not started again: another one, with a folder of its own, takes the place of one when it is wanted.
 */
export async function clusterUp(options: UpOptions): Promise<ClusterState> {
  const { dataFolder } = options;
  await new RealDisk().makeFolder(dataFolder);
  return alone(dataFolder, async () => {
    for (;;) {
      const { state, removedCount } = await startAll(options);
      // Those that were asked for by number are made up for.
      if (removedCount === 0 || options.datanodes === undefined) return state;
    }
  });
}

async function startAll(
  options: UpOptions,
): Promise<{ readonly state: ClusterState; readonly removedCount: number }> {
  const { dataFolder } = options;
  const before = await readState(dataFolder);
  refuseDev(before, await runningProcesses(before), dataFolder);
  const running = new Map(
    (await runningProcesses(before)).map((process) => [process.name, process]),
  );
  // Saved after each start: whatever happens here, `down` finds what was started.
  const saving = new Limit(1);
  const save = () => saving.run(() => saveState(dataFolder, [...running.values()], before));
  const start = async (name: string, spec: () => Promise<StartedServer>) => {
    const found = running.get(name);
    const { process, rootKey } =
      found === undefined ? await spec() : { process: found, rootKey: undefined };
    running.set(name, process);
    options.tell(process, found !== undefined);
    await save();
    if (rootKey !== undefined) options.tellRootKey(rootKey);
    return process;
  };
  const coordinator = await start("coordinator", () => startCoordinator(options, before));
  const names = datanodeNames(before, options.datanodes);
  const datanodes = await settled(
    names.map((name) => start(name, () => startDatanode(options, name, coordinator.address))),
  );
  const { clock, signal } = options;
  const parts = { clock, random: new SystemRandom() };
  const removed = await waitForNodes(
    coordinator.address,
    datanodes,
    HEALTHY_WITHIN_MS,
    { ...parts, network: new FramedNetwork(parts) },
    signal,
  );
  for (const process of removed) {
    await stopServer(process, clock);
    running.set(process.name, { ...process, isRemoved: true });
    options.tellRemoved(process);
  }
  await start("gateway", () => startGateway(options, before, coordinator.address));
  return { state: await save(), removedCount: removed.length };
}

/** As many as `wanted`, or as there were; names of removed ones are not used again, since their folders are not empty. */
function datanodeNames(before: ClusterState | undefined, wanted: number | undefined): string[] {
  const known = (before?.processes ?? []).filter(({ role }) => role === "datanode");
  const removed = new Set(known.filter(({ isRemoved }) => isRemoved).map(({ name }) => name));
  const members = known.length - removed.size;
  const count = Math.max(wanted ?? (members || DATANODES), 1);
  return Array.from({ length: count + removed.size }, (_, at) => `datanode-${at + 1}`)
    .filter((name) => !removed.has(name))
    .slice(0, count);
}

export interface DownOptions {
  readonly dataFolder: string;
  readonly isWiped: boolean;
  readonly clock: Clock;
  tell(process: LocalProcess, outcome: string): void;
}

/** Ends every process of the cluster, the coordinator last; with `isWiped` their data goes too. */
export async function clusterDown(options: DownOptions): Promise<void> {
  const { dataFolder, clock, tell } = options;
  const state = await readState(dataFolder);
  if (state === undefined) {
    if (options.isWiped) await wipe(dataFolder);
    return;
  }
  refuseDev(state, await runningProcesses(state), dataFolder);
  await alone(dataFolder, async () => {
    const stop = async (process: LocalProcess) => tell(process, await stopServer(process, clock));
    // Each ends before those it asks.
    for (const role of ["gateway", "datanode", "coordinator"]) {
      await Promise.all(state.processes.filter((process) => process.role === role).map(stop));
    }
  });
  if (options.isWiped) await wipe(dataFolder);
}

/** Removes what a cluster keeps in its folder, and the folder when nothing else is in it. */
async function wipe(dataFolder: string): Promise<void> {
  const names = await readdir(dataFolder).catch((error: unknown) => {
    if (hasErrorCode(error, "ENOENT")) return [];
    throw error;
  });
  const ours = names.filter((name) => /^(?:coordinator|datanode-\d+|logs|lock-\d+)$/u.test(name));
  for (const name of ours) await rm(join(dataFolder, name), { recursive: true, force: true });
  await removeState(dataFolder);
  await rmdir(dataFolder).catch((error: unknown) => {
    if (!hasErrorCode(error, "ENOENT", "ENOTEMPTY", "EEXIST")) throw error;
  });
}

async function startCoordinator(
  { dataFolder, port, clock, signal }: UpOptions,
  before: ClusterState | undefined,
): Promise<StartedServer> {
  const previous = before?.processes.find(({ role }) => role === "coordinator");
  const firstPort = port ?? PORT;
  const next = (step: number) => `${LOOPBACK}:${firstPort === 0 ? 0 : firstPort + step}`;
  const isMoved = port !== undefined || previous === undefined;
  const address = isMoved ? next(0) : previous.address;
  const grpcAddress = isMoved ? next(1) : (previous.grpcAddress ?? next(1));
  const httpAddress = isMoved ? next(2) : (previous.httpAddress ?? next(2));
  for (const taken of [address, grpcAddress, httpAddress]) {
    await refuseTakenAddress(
      taken,
      "`cairn cluster up --port 0` takes free ports, --port PORT others",
    );
  }
  const dataDir = join(dataFolder, "coordinator");
  const flags = [
    "--address",
    address,
    "--grpc-address",
    grpcAddress,
    "--http-address",
    httpAddress,
  ];
  return startServer(
    {
      name: "coordinator",
      role: "coordinator",
      flags: [...flags, "--data-dir", dataDir, ...(await settingsOf(dataFolder, "coordinator"))],
      dataDir,
      logFolder: join(dataFolder, "logs"),
    },
    clock,
    signal,
  );
}

async function startDatanode(
  { dataFolder, clock, signal }: UpOptions,
  name: string,
  coordinatorAddress: string,
): Promise<StartedServer> {
  const any = `${LOOPBACK}:0`;
  const dataDir = join(dataFolder, name);
  const flags = ["--address", any, "--grpc-address", any, "--http-address", any];
  return startServer(
    {
      name,
      role: "datanode",
      flags: [
        ...flags,
        "--data-dir",
        dataDir,
        "--coordinator-address",
        coordinatorAddress,
        ...(await settingsOf(dataFolder, "datanode")),
      ],
      dataDir,
      logFolder: join(dataFolder, "logs"),
    },
    clock,
    signal,
  );
}

async function startGateway(
  { dataFolder, port, clock, signal }: UpOptions,
  before: ClusterState | undefined,
  coordinatorAddress: string,
): Promise<StartedServer> {
  const previous = before?.processes.find(({ role }) => role === "gateway");
  const firstPort = port ?? Number(parseAddress(coordinatorAddress)?.port);
  const next = (step: number) => `${LOOPBACK}:${port === 0 ? 0 : firstPort + step}`;
  const isMoved = port !== undefined || previous === undefined;
  const address = isMoved ? next(S3_STEP) : previous.address;
  const httpAddress = isMoved ? next(S3_STEP + 2) : (previous.httpAddress ?? next(S3_STEP + 2));
  for (const taken of [address, httpAddress]) {
    await refuseTakenAddress(
      taken,
      "`cairn cluster up --port 0` takes free ports, --port PORT others",
    );
  }
  const flags = ["--address", address, "--http-address", httpAddress];
  return startServer(
    {
      name: "gateway",
      role: "gateway",
      flags: [
        ...flags,
        "--coordinator-address",
        coordinatorAddress,
        ...(await settingsOf(dataFolder, "gateway")),
      ],
      logFolder: join(dataFolder, "logs"),
    },
    clock,
    signal,
  );
}

/** The settings that somebody has put into the data folder for a role, as flags; addresses and folders stay as given here. */
async function settingsOf(
  dataFolder: string,
  role: "coordinator" | "datanode" | "gateway",
): Promise<readonly string[]> {
  const file = join(dataFolder, `${role}.yaml`);
  try {
    await access(file);
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return [];
    throw error;
  }
  return ["--config", file];
}

async function saveState(
  dataFolder: string,
  running: readonly LocalProcess[],
  before: ClusterState | undefined,
): Promise<ClusterState> {
  const names = new Set(running.map(({ name }) => name));
  const ended = (before?.processes ?? []).filter(({ name }) => !names.has(name));
  const processes = [...running, ...ended].sort(byName);
  const coordinator = processes.find(({ role }) => role === "coordinator")?.address ?? "";
  const state: ClusterState = { version: 1, kind: "cluster", coordinator, processes };
  await writeState(dataFolder, state);
  return state;
}

/** coordinator, datanode-1, datanode-2, ..., datanode-10, gateway */
function byName(one: LocalProcess, other: LocalProcess): number {
  return one.name.localeCompare(other.name, "en", { numeric: true });
}

/** All outcomes are awaited before the first failure is told: nothing starts behind the caller's back. */
async function settled<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(tasks);
  return outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}

async function alone<T>(dataFolder: string, task: () => Promise<T>): Promise<T> {
  const lock = await lockFolder(dataFolder);
  if (lock === undefined) {
    throw new CommandFailure(
      "conflict",
      `another command changes the cluster of ${dataFolder} just now`,
      "run this one again when it is done",
    );
  }
  try {
    return await task();
  } finally {
    await lock.close();
  }
}

function refuseDev(
  state: ClusterState | undefined,
  running: readonly LocalProcess[],
  dataFolder: string,
): void {
  if (state?.kind !== "dev" || running.length === 0) return;
  throw new CommandFailure(
    "conflict",
    `\`cairn dev\` runs out of ${dataFolder}, as process ${running[0]?.pid}`,
    "end it with Ctrl-C in its terminal, or name another folder with --data",
  );
}
