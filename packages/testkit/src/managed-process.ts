import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { willBeEnded } from "./leftovers.ts";

export interface ProcessSpec {
  readonly name: string;
  /** The script and its arguments, run by this Node. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Words that run what follows them, as `ip netns exec` does, in this very process. */
  readonly prefix?: readonly string[];
  /** Where its standard error goes, one file a process. */
  readonly logFolder: string;
}

/** What a server prints on standard output, as one JSON line, when it is ready. */
export interface ReadyLine {
  readonly address: string;
  readonly grpcAddress?: string;
  readonly httpAddress?: string;
}

const READY_WITHIN_MS = 30_000;

/** A real process of a server, started and ended by its id alone. */
export class ManagedProcess {
  readonly spec: ProcessSpec;
  readonly ready: ReadyLine;
  readonly #child: ChildProcess;
  #peakBytes = 0;

  private constructor(spec: ProcessSpec, child: ChildProcess, ready: ReadyLine) {
    this.spec = spec;
    this.#child = child;
    this.ready = ready;
  }

  /** Starts the process and resolves when it says that it is ready; rejects when it ends before that. */
  static async start(spec: ProcessSpec): Promise<ManagedProcess> {
    mkdirSync(spec.logFolder, { recursive: true });
    const [program = process.execPath, ...words] = [...(spec.prefix ?? []), process.execPath];
    const child = spawn(program, [...words, ...spec.arguments], {
      env: { ...withoutSettings(process.env), ...spec.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = willBeEnded({ [Symbol.asyncDispose]: () => endChild(child) });
    child.once("exit", ended);
    const log = createWriteStream(join(spec.logFolder, `${spec.name}.log`), { flags: "a" });
    child.stderr.pipe(log);
    try {
      return new ManagedProcess(spec, child, await readyLine(spec, child));
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return isRunning(this.#child);
  }

  signal(name: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(name);
  }

  /** Ends it and resolves when it is gone. A stopped process is continued first, or it would never hear. */
  async end(name: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.notePeak();
    await endChild(this.#child, name);
  }

  /** The most memory it ever had resident, in bytes, as the kernel counts it. */
  notePeak(): number {
    this.#peakBytes = Math.max(this.#peakBytes, this.#statusBytes("VmHWM"));
    return this.#peakBytes;
  }

  /** The memory it has resident now, mapped files included; 0 when it has ended. */
  residentBytes(): number {
    return this.#statusBytes("VmRSS");
  }

  /** The memory of its own that it has resident now, without mapped files; 0 when it has ended. */
  privateBytes(): number {
    return this.#statusBytes("RssAnon");
  }

  /** Seconds of CPU it has used so far, in user mode and in the kernel. */
  cpuSeconds(): { readonly user: number; readonly system: number } {
    const fields = readFileSync(`/proc/${this.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    const ticksPerSecond = 100;
    return {
      user: Number(fields[11] ?? 0) / ticksPerSecond,
      system: Number(fields[12] ?? 0) / ticksPerSecond,
    };
  }

  #statusBytes(name: string): number {
    if (!this.isRunning) return 0;
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
      const line = status.split("\n").find((candidate) => candidate.startsWith(`${name}:`));
      return Number(/(\d+) kB/u.exec(line ?? "")?.[1] ?? 0) * 1024;
    } catch (error) {
      if (!isMissingFile(error)) throw error;
      return 0;
    }
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function endChild(child: ChildProcess, name: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (!isRunning(child)) return;
  const gone = once(child, "exit");
  child.kill(name);
  child.kill("SIGCONT");
  await gone;
}

/** What the tests' own environment says must not become a setting of a server. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith("CAIRN_")),
  );
}

async function readyLine(spec: ProcessSpec, child: ChildProcess): Promise<ReadyLine> {
  const { stdout } = child;
  if (stdout === null) throw new Error(`${spec.name} has no standard output`);
  const lines = createInterface({ input: stdout });
  const deadline = AbortSignal.timeout(READY_WITHIN_MS);
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(new Error(`${spec.name} ${why}; see its log in ${spec.logFolder}`));
    deadline.addEventListener("abort", () => fail(`was not ready within ${READY_WITHIN_MS} ms`), {
      once: true,
    });
    child.once("exit", (code, signal) => fail(`ended before it was ready (${signal ?? code})`));
    child.once("error", reject);
    lines.on("line", (line) => {
      const ready = parseReady(line);
      if (ready !== undefined) resolve(ready);
    });
  });
}

function parseReady(line: string): ReadyLine | undefined {
  if (!line.startsWith("{")) return undefined;
  const parsed: unknown = JSON.parse(line);
  const isReady = typeof parsed === "object" && parsed !== null && "address" in parsed;
  // Our own server printed it: the shape is what docs/reference says of the ready line.
  return isReady ? (parsed as ReadyLine) : undefined;
}

function isMissingFile(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")
  );
}
