import type { StepInfo } from "./load.ts";
import type { Machine } from "./machine.ts";
import type { CpuSeconds, ProcessUsage, WatchedProcess } from "./process-meter.ts";
import type { MemoryTrend } from "./soak/memory-trend.ts";
import type { StepOutcome } from "./step.ts";
import { mergedTallies, Tally } from "./tally.ts";
import type { LoadSettings } from "./workload.ts";

/** All that a run came to; what `--json` prints. */
export interface BenchReport {
  readonly cairn: string;
  /** When it began: ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  /** What was measured: addresses of coordinators, or the S3 endpoint. */
  readonly target: string;
  readonly settings: readonly Omit<LoadSettings, "client">[];
  /** How many bytes each step of the floor moved; undefined where it was not measured. */
  readonly floorBytes: number | undefined;
  readonly warmUpMs: number;
  readonly replicas: number | undefined;
  /** What the SDK was given of large objects. */
  readonly from: "stream" | "file";
  readonly processes: readonly WatchedProcess[];
  /** What the machine allows without CairnFS, where it was measured in the same run. */
  readonly floor: readonly StepResult[];
  readonly results: readonly StepResult[];
  /** How the memory of each process went over a soak. */
  readonly memory?: {
    readonly limitBytes: number;
    readonly processes: readonly MemoryTrend[];
  };
}

/** What a step came to, or one kind of its operations. */
export interface StepResult {
  readonly workload: string;
  readonly step: string;
  /** Of a step with several kinds of operations: which one; undefined for all of them together. */
  readonly kind: string | undefined;
  readonly sizeBytes: number | undefined;
  /** In each client. */
  readonly parallel: number;
  readonly clients: number;
  readonly seconds: number;
  /** Those that worked. */
  readonly operations: number;
  readonly operationsPerSecond: number;
  /** Of file content, however many copies are made of it. */
  readonly bytes: number;
  readonly bytesPerSecond: number;
  /** Of listings. */
  readonly entries: number;
  readonly entriesPerSecond: number;
  readonly latencyMs: LatencyMs;
  readonly errors: { readonly count: number; readonly first: string | undefined };
  /** Undefined for one kind of several: a process does not tell what it works for. */
  readonly cpu: StepCpu | undefined;
  /** Bytes per second as a share of what the machine allows, where that was measured in the same run. */
  readonly shareOfFloor: number | undefined;
}

export interface LatencyMs {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export type CpuUnit = "GB" | "1000000 names" | "1000 operations";

/** CPU of a step. */
export interface StepCpu {
  /** What `perUnit` is for; a GB is 1,000,000,000 bytes. */
  readonly unit: CpuUnit;
  readonly processes: readonly ProcessUsage[];
  readonly roles: readonly RoleCpu[];
  readonly all: RoleCpu;
}

/** CPU of all processes of a role. */
export interface RoleCpu extends CpuSeconds {
  readonly role: string;
  readonly perUnit: CpuSeconds;
}

/** What a result says of the run it comes from. */
export interface RunSettings {
  readonly workload: string;
  readonly clients: number;
  readonly durationMs: number;
}

/** The results, those that move large objects as shares of what the floor did in the same run. */
export function againstFloor(
  results: readonly StepResult[],
  floor: readonly StepResult[],
): readonly StepResult[] {
  const allowed = (step: string) =>
    floor.find((row) => row.step === `floor ${step.split(" ")[0]}`)?.bytesPerSecond;
  return results.map((result) => {
    const most = result.cpu?.unit === "GB" ? allowed(result.step) : undefined;
    return most === undefined ? result : { ...result, shareOfFloor: result.bytesPerSecond / most };
  });
}

/** Puts together what all clients and the meter have found: a row for each kind of operation where there are several, and one for all. */
export function stepResults(
  settings: RunSettings,
  step: StepInfo,
  outcomes: readonly StepOutcome[],
  usage: readonly ProcessUsage[],
): StepResult[] {
  const startedMs = Math.min(...outcomes.map((outcome) => outcome.startedMs));
  const endedMs = Math.max(...outcomes.map((outcome) => outcome.endedMs));
  const seconds = Math.max(endedMs - startedMs, 0.001) / 1000;
  const tallies = mergedTallies(outcomes.flatMap((outcome) => outcome.tallies));
  const all = new Tally("");
  for (const tally of tallies) all.add(tally.data());
  const cpu = stepCpu(step, all, usage);
  const row = (tally: Tally, kind: string | undefined): StepResult => ({
    workload: settings.workload,
    step: step.name,
    kind,
    sizeBytes: step.sizeBytes,
    parallel: step.parallel,
    clients: settings.clients,
    seconds,
    operations: tally.latency.count,
    operationsPerSecond: tally.latency.count / seconds,
    bytes: tally.bytes,
    bytesPerSecond: tally.bytes / seconds,
    entries: tally.entries,
    entriesPerSecond: tally.entries / seconds,
    latencyMs: latencyOf(tally),
    errors: { count: tally.errors, first: tally.firstError },
    cpu: kind === undefined ? cpu : undefined,
    shareOfFloor: undefined,
  });
  const kinds = tallies
    .filter(({ kind }) => kind !== "")
    .sort((one, other) => other.latency.count - one.latency.count);
  return [...kinds.map((tally) => row(tally, tally.kind)), row(all, undefined)];
}

function latencyOf({ latency }: Tally): LatencyMs {
  return {
    mean: latency.meanMs,
    p50: latency.percentileMs(0.5),
    p95: latency.percentileMs(0.95),
    p99: latency.percentileMs(0.99),
    max: latency.maxMs,
  };
}

function unitsOf(
  { per }: StepInfo,
  all: Tally,
): { readonly unit: CpuUnit; readonly units: number } {
  if (per === "GB") return { unit: "GB", units: all.bytes / 1e9 };
  if (per === "names") return { unit: "1000000 names", units: all.entries / 1e6 };
  return { unit: "1000 operations", units: all.latency.count / 1000 };
}

function stepCpu(step: StepInfo, all: Tally, usage: readonly ProcessUsage[]): StepCpu {
  const { unit, units } = unitsOf(step, all);
  const sum = (role: string, processes: readonly ProcessUsage[]): RoleCpu => {
    const userSeconds = processes.reduce((total, used) => total + used.userSeconds, 0);
    const systemSeconds = processes.reduce((total, used) => total + used.systemSeconds, 0);
    const perUnit = {
      userSeconds: units === 0 ? 0 : userSeconds / units,
      systemSeconds: units === 0 ? 0 : systemSeconds / units,
    };
    return { role, userSeconds, systemSeconds, perUnit };
  };
  const roles = [...new Set(usage.map(({ role }) => role))];
  return {
    unit,
    processes: usage,
    roles: roles.map((role) =>
      sum(
        role,
        usage.filter((used) => used.role === role),
      ),
    ),
    all: sum("all", usage),
  };
}
