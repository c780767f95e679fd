import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "@cairnfs/base/clock";
import { hasErrorCode } from "@cairnfs/base/disk";
import { CommandFailure } from "../failure.ts";
import type { RootKey } from "../server/server-parts.ts";
import { isRunning, processIdentity } from "./process-identity.ts";
import type { LocalProcess } from "./state-file.ts";

const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 20;
const LOG_TAIL_LINES = 5;

export interface ServerSpec {
  readonly name: string;
  readonly role: "coordinator" | "datanode" | "gateway";
  readonly flags: readonly string[];
  /** A gateway has none. */
  readonly dataDir?: string;
  readonly logFolder: string;
}

interface Ready {
  readonly address: string;
  readonly grpcAddress?: string | undefined;
  readonly httpAddress?: string | undefined;
  readonly rootKey?: RootKey | undefined;
}

/** A process that was started, and what it told at its start alone. */
export interface StartedServer {
  readonly process: LocalProcess;
  readonly rootKey: RootKey | undefined;
}

/**
 * Starts a server as a process of its own that outlives this one, logging JSON to a file. Resolves when it says that it is
 * ready; when it ends before that, rejects with the end of its log.
 */
export async function startServer(
  spec: ServerSpec,
  clock: Clock,
  signal: AbortSignal,
): Promise<StartedServer> {
  await mkdir(spec.logFolder, { recursive: true });
  const logFile = join(spec.logFolder, `${spec.name}.log`);
  // The ready line goes to a file: a pipe would end the server's stdout with this process.
  const readyFile = join(spec.logFolder, `${spec.name}.ready`);
  await rm(readyFile, { force: true });
  const pid = await spawnDetached(spec, { logFile, readyFile });
  const identity = (await processIdentity(pid)) ?? "";
  try {
    const { rootKey, ...where } = await readyOf(
      spec,
      { pid, identity, readyFile, logFile },
      clock,
      signal,
    );
    // What was told once must not stay in a file.
    await rm(readyFile, { force: true });
    const process = {
      name: spec.name,
      role: spec.role,
      pid,
      identity,
      startedMs: clock.now(),
      ...where,
      dataDir: spec.dataDir,
      logFile,
    };
    return { process, rootKey };
  } catch (error) {
    await sendSignal({ pid, identity }, "SIGTERM");
    throw error;
  }
}

/** Ends a process in order: SIGTERM, and SIGKILL when it takes too long. Resolves when it is gone, with how it went. */
export async function stopServer(
  process: { readonly pid: number; readonly identity: string },
  clock: Clock,
): Promise<"stopped" | "killed" | "was not running"> {
  if (!(await sendSignal(process, "SIGTERM"))) return "was not running";
  // A process that is stopped hears nothing else.
  await sendSignal(process, "SIGCONT");
  if (await isGoneWithin(process, STOP_WITHIN_MS, clock)) return "stopped";
  await sendSignal(process, "SIGKILL");
  await isGoneWithin(process, STOP_WITHIN_MS, clock);
  return "killed";
}

async function spawnDetached(
  spec: ServerSpec,
  { logFile, readyFile }: { readonly logFile: string; readonly readyFile: string },
): Promise<number> {
  const log = await open(logFile, "a", 0o600);
  const ready = await open(readyFile, "w", 0o600);
  try {
    const main = fileURLToPath(new URL("../main.js", import.meta.url));
    const child = spawn(process.execPath, [main, spec.role, "--json", ...spec.flags], {
      detached: true,
      stdio: ["ignore", ready.fd, log.fd],
      env: withoutSettings(process.env),
    });
    await once(child, "spawn");
    child.unref();
    return child.pid ?? 0;
  } finally {
    await Promise.all([log.close(), ready.close()]);
  }
}

/** What the flags do not say is a default: settings of another cluster in the environment are not for this one. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("CAIRN_")));
}

interface Starting {
  readonly pid: number;
  readonly identity: string;
  readonly readyFile: string;
  readonly logFile: string;
}

async function readyOf(
  { name }: ServerSpec,
  starting: Starting,
  clock: Clock,
  signal: AbortSignal,
): Promise<Ready> {
  const startedMs = clock.monotonicMs();
  for (;;) {
    const text = await readFile(starting.readyFile, "utf8");
    if (text.endsWith("\n")) {
      const { address, grpcAddress, httpAddress, rootKey }: Ready = JSON.parse(text);
      return { address, grpcAddress, httpAddress, rootKey };
    }
    const isLate = clock.monotonicMs() - startedMs > READY_WITHIN_MS;
    if (isLate || !(await isRunning(starting.pid, starting.identity))) {
      const tail = await logTail(starting.logFile);
      throw new CommandFailure(
        "failed",
        `${name} ${isLate ? `was not ready within ${READY_WITHIN_MS / 1000} s` : "ended at its start"}${tail}`,
        `its log is ${starting.logFile}`,
      );
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function logTail(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, "utf8")).trim().split("\n").slice(-LOG_TAIL_LINES);
  return lines.map((line) => `\n  | ${line}`).join("");
}

async function isGoneWithin(
  { pid, identity }: { readonly pid: number; readonly identity: string },
  withinMs: number,
  clock: Clock,
): Promise<boolean> {
  const startedMs = clock.monotonicMs();
  while (await isRunning(pid, identity)) {
    if (clock.monotonicMs() - startedMs > withinMs) return false;
    await clock.sleep(LOOK_EVERY_MS);
  }
  return true;
}

/** Whether the signal was sent; never to another process that has the id by now. */
async function sendSignal(
  { pid, identity }: { readonly pid: number; readonly identity: string },
  name: NodeJS.Signals,
): Promise<boolean> {
  if (!(await isRunning(pid, identity))) return false;
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if (hasErrorCode(error, "ESRCH")) return false;
    throw error;
  }
}
