import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isRunning } from "./process-identity.ts";

/** A process of a cluster on this machine. */
export interface LocalProcess {
  readonly name: string;
  readonly role: "coordinator" | "datanode" | "gateway" | "dev";
  readonly pid: number;
  /** From `processIdentity`: the id alone may be somebody else's by now. */
  readonly identity: string;
  readonly startedMs: number;
  readonly address: string;
  readonly grpcAddress?: string | undefined;
  readonly httpAddress?: string | undefined;
  /** Where S3 clients find a cluster in one process; a gateway's own `address` is that. */
  readonly s3Address?: string | undefined;
  /** A gateway has none. */
  readonly dataDir?: string | undefined;
  readonly logFile?: string | undefined;
  /** A datanode that was removed from the cluster: it is not started again, and its data counts for nothing. */
  readonly isRemoved?: boolean | undefined;
}

/** What runs out of a data folder; kept in its `cluster.json`. */
export interface ClusterState {
  readonly version: 1;
  readonly kind: "dev" | "cluster";
  readonly coordinator: string;
  readonly processes: readonly LocalProcess[];
}

/** The data folder of `cairn dev` and `cairn cluster` unless another is named. */
export const DATA_FOLDER = ".cairn";

/** The state kept in `dataFolder`; undefined when there is none that can be read. */
export async function readState(dataFolder: string): Promise<ClusterState | undefined> {
  let text: string;
  try {
    text = await readFile(statePath(dataFolder), "utf8");
  } catch (error) {
    if (
      error instanceof Error &&
      "code" in error &&
      (error.code === "ENOENT" || error.code === "ENOTDIR")
    ) {
      return undefined;
    }
    throw error;
  }
  return parseState(text);
}

/** Replaces the state as a whole: a reader sees the old or the new one. */
export async function writeState(dataFolder: string, state: ClusterState): Promise<void> {
  await mkdir(dataFolder, { recursive: true });
  const draft = `${statePath(dataFolder)}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(state, undefined, 2)}\n`);
  await rename(draft, statePath(dataFolder));
}

export async function removeState(dataFolder: string): Promise<void> {
  await rm(statePath(dataFolder), { force: true });
}

/** The processes of a state that still run. */
export async function runningProcesses(state: ClusterState | undefined): Promise<LocalProcess[]> {
  const running: LocalProcess[] = [];
  for (const process of state?.processes ?? []) {
    if (await isRunning(process.pid, process.identity)) running.push(process);
  }
  return running;
}

function statePath(dataFolder: string): string {
  return join(dataFolder, "cluster.json");
}

function parseState(text: string): ClusterState | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const isState =
    typeof parsed === "object" &&
    parsed !== null &&
    "version" in parsed &&
    parsed.version === 1 &&
    "processes" in parsed &&
    Array.isArray(parsed.processes);
  // We wrote it, in one piece; another version's is not ours to read.
  return isState ? (parsed as ClusterState) : undefined;
}
