import { readFile, writeFile } from "node:fs/promises";
import { hasErrorCode } from "@cairnfs/base/disk";

/** Linux counts CPU in hundredths of a second for user space, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** A process whose CPU and memory are told. */
export interface WatchedProcess {
  readonly name: string;
  /** What figures are summed by: client, coordinator, datanode, or what the user has called it. */
  readonly role: string;
  readonly pid: number;
}

/** CPU of one process so far, or in a span. */
export interface CpuSeconds {
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

/** What a process took in a span. */
export interface ProcessUsage extends WatchedProcess, CpuSeconds {
  /** The most resident memory; undefined where the system does not tell. */
  readonly peakMemoryBytes: number | undefined;
  /** What of its memory was its own in the end: without files that are mapped. */
  readonly ownMemoryBytes: number | undefined;
  /** Since when the peak is: of the span, or of the process's whole life where it may not be reset. */
  readonly peakSince: "step" | "start";
  /** It ended meanwhile: its CPU is missing. */
  readonly isGone: boolean;
}

/** Measures what processes take from `start` to `stop`. On Linux; elsewhere it knows of this process's CPU alone. */
export class ProcessMeter {
  readonly #processes: readonly WatchedProcess[];
  #before: readonly (CpuSeconds | undefined)[] = [];
  #isReset: readonly boolean[] = [];

  constructor(processes: readonly WatchedProcess[]) {
    this.#processes = processes;
  }

  async start(): Promise<void> {
    this.#isReset = await Promise.all(this.#processes.map(({ pid }) => resetPeak(pid)));
    this.#before = await Promise.all(this.#processes.map(({ pid }) => cpuOf(pid)));
  }

  async stop(): Promise<ProcessUsage[]> {
    const after = await Promise.all(this.#processes.map(({ pid }) => cpuOf(pid)));
    const memory = await Promise.all(this.#processes.map(({ pid }) => memoryOf(pid)));
    return this.#processes.map((watched, at) => {
      const [start, end] = [this.#before[at], after[at]];
      return {
        ...watched,
        userSeconds: (end?.userSeconds ?? 0) - (end && start ? start.userSeconds : 0),
        systemSeconds: (end?.systemSeconds ?? 0) - (end && start ? start.systemSeconds : 0),
        peakMemoryBytes: memory[at]?.peakBytes,
        ownMemoryBytes: memory[at]?.ownBytes,
        peakSince: this.#isReset[at] === true ? "step" : "start",
        isGone: end === undefined,
      };
    });
  }
}

/** Resident memory: as it is, and the most it was since it was last reset. */
export interface ProcessMemory {
  readonly residentBytes: number;
  readonly peakBytes: number;
  /** Of what is resident: without files that are mapped, which the system takes back when it needs room. */
  readonly ownBytes: number;
}

/** Undefined for a process that is gone, and where the system does not tell. */
export async function memoryOf(pid: number): Promise<ProcessMemory | undefined> {
  const text = await readProc(pid, "status");
  const resident = kibibytes(text, "VmRSS");
  const peak = kibibytes(text, "VmHWM");
  if (resident === undefined || peak === undefined) return undefined;
  const own = kibibytes(text, "RssAnon") ?? resident;
  return { residentBytes: resident, peakBytes: peak, ownBytes: own };
}

/** Undefined for a process that is gone, and where the system does not tell. */
async function cpuOf(pid: number): Promise<CpuSeconds | undefined> {
  if (pid === process.pid) {
    const { user, system } = process.cpuUsage();
    return { userSeconds: user / 1e6, systemSeconds: system / 1e6 };
  }
  const text = await readProc(pid, "stat");
  if (text === undefined) return undefined;
  // The name in parentheses may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  return {
    userSeconds: Number(fields[11]) / TICKS_PER_SECOND,
    systemSeconds: Number(fields[12]) / TICKS_PER_SECOND,
  };
}

/** Has the system forget the peak so far; false where that is not ours to do. */
async function resetPeak(pid: number): Promise<boolean> {
  try {
    await writeFile(`/proc/${pid}/clear_refs`, "5");
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}

async function readProc(pid: number, file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    if (hasErrorCode(error, "ENOENT", "ESRCH", "EACCES")) return undefined;
    throw error;
  }
}

function kibibytes(text: string | undefined, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "mu").exec(text ?? "")?.[1];
  return found === undefined ? undefined : Number(found) * 1024;
}
