import { counted, humanCount, humanSize, showName } from "../format.ts";
import { type Column, tableLines } from "../table.ts";
import type { WatchedProcess } from "./process-meter.ts";
import type { BenchReport, CpuUnit, StepCpu, StepResult } from "./report.ts";
import type { MemoryTrend } from "./soak/memory-trend.ts";

const MIB = 1024 * 1024;

/** A report for people, within 100 columns. */
export function reportLines(report: BenchReport): string[] {
  const all = [...report.floor, ...report.results];
  return [
    ...headLines(report),
    "",
    ...resultTable(all),
    ...errorLines(all),
    ...cpuTable(all),
    ...(report.memory === undefined
      ? memoryTable(report.processes, all)
      : trendTable(report.memory.processes, report.memory.limitBytes)),
  ];
}

function headLines({ machine, target, cairn, processes, results }: BenchReport): string[] {
  const watched = processes.filter(({ role }) => role !== "client" && role !== "floor").length;
  return [
    `cairn ${cairn}: ${target}`,
    `${machine.cpuModel}, ${counted(machine.cores, "core")}, ${humanSize(machine.memoryBytes)}; ${machine.kernel}, Node ${machine.node}`,
    ...(results.length === 0 ? [] : [watchedLine(watched)]),
  ];
}

function watchedLine(watched: number): string {
  return watched === 0
    ? "CPU and memory are the client's alone: no process of the target is known here (--data, --pid)"
    : `CPU and memory are those of the client and of ${counted(watched, "process", "processes")} here`;
}

function resultTable(results: readonly StepResult[]): string[] {
  const hasErrors = results.some(({ errors }) => errors.count > 0);
  const hasFloor = results.some(({ shareOfFloor }) => shareOfFloor !== undefined);
  const columns: Column[] = [
    { title: "Step" },
    ...["Throughput", "ops/s", "p50", "p95", "p99", "max"].map(right),
    ...(hasErrors ? [right("errors")] : []),
    ...(hasFloor ? [right("of floor")] : []),
  ];
  return tableLines(
    columns,
    results.map((result) => [
      stepName(result),
      throughput(result),
      rate(result.operationsPerSecond),
      ...(["p50", "p95", "p99", "max"] as const).map((name) =>
        result.operations === 0 ? "" : span(result.latencyMs[name]),
      ),
      ...(hasErrors ? [result.errors.count === 0 ? "" : humanCount(result.errors.count)] : []),
      ...(hasFloor ? [percent(result.shareOfFloor)] : []),
    ]),
  );
}

function stepName({ step, kind }: StepResult): string {
  return kind === undefined ? step : `  ${kind}`;
}

function throughput({ bytes, bytesPerSecond, entries, entriesPerSecond }: StepResult): string {
  if (bytes > 0) return `${rate(bytesPerSecond / 1e6)} MB/s`;
  return entries > 0 ? `${rate(entriesPerSecond)} names/s` : "";
}

function errorLines(results: readonly StepResult[]): string[] {
  const failed = results.filter(
    ({ errors, kind, cpu }) => errors.count > 0 && (kind !== undefined || cpu !== undefined),
  );
  if (failed.length === 0) return [];
  return [
    "",
    ...failed.map(
      ({ step, kind, errors }) =>
        `${kind ?? step}: ${counted(errors.count, "error")}, the first: ${showName(errors.first ?? "")}`,
    ),
  ];
}

function cpuTable(results: readonly StepResult[]): string[] {
  const measured = results.flatMap(({ step, cpu }) => (cpu === undefined ? [] : [{ step, cpu }]));
  const met = new Set(measured.flatMap(({ cpu }) => cpu.roles.map(({ role }) => role)));
  // Beside others the floor's processes are told by what they add to all: six columns are too wide.
  if (met.size > 2) met.delete("floor");
  const roles = [...FIRST_ROLES.filter((role) => met.delete(role)), ...met];
  const isOne = roles.length < 2;
  return [
    "",
    "CPU seconds, user + system, for each GB, 1,000 operations or 1,000,000 names",
    ...tableLines(
      [{ title: "Step" }, right("for each"), ...roles.map(right), ...(isOne ? [] : [right("all")])],
      measured.map(({ step, cpu }) => [
        step,
        UNIT_NAMES[cpu.unit],
        ...roles.map((role) => roleCell(cpu, role)),
        ...(isOne ? [] : [cpuCell(cpu.all.perUnit)]),
      ]),
    ),
  ];
}

const FIRST_ROLES = ["client", "coordinator", "datanode"] as const;

const UNIT_NAMES: Readonly<Record<CpuUnit, string>> = {
  GB: "GB",
  "1000 operations": "1,000",
  "1000000 names": "1M names",
};

function roleCell(cpu: StepCpu, role: string): string {
  const found = cpu.roles.find((row) => row.role === role);
  return found === undefined ? "" : cpuCell(found.perUnit);
}

function cpuCell(cpu: { readonly userSeconds: number; readonly systemSeconds: number }): string {
  return `${seconds(cpu.userSeconds)} + ${seconds(cpu.systemSeconds)}`;
}

function seconds(cpu: number): string {
  return cpu.toFixed(cpu < 1 ? 3 : 2);
}

/** How each process's memory went. */
function trendTable(processes: readonly MemoryTrend[], limitBytes: number): string[] {
  return [
    "",
    `Own memory, second by second; at most ${humanSize(limitBytes)} are allowed`,
    ...tableLines(
      [
        { title: "Process" },
        ...["id", "at the start", "peak", "at the end", "slope MiB/min", "resident peak"].map(
          right,
        ),
        { title: "" },
      ],
      processes.map((trend) => [
        trend.name,
        String(trend.pid),
        humanSize(trend.startBytes),
        humanSize(trend.peakBytes),
        humanSize(trend.endBytes),
        (trend.slopeBytesPerMinute / MIB).toFixed(1),
        humanSize(trend.peakResidentBytes),
        [
          ...(trend.peakBytes > limitBytes ? ["too much"] : []),
          ...(trend.isGone ? ["ended meanwhile"] : []),
        ].join(", "),
      ]),
    ),
  ];
}

/** Each process at its peak over all steps. */
function memoryTable(
  processes: readonly WatchedProcess[],
  results: readonly StepResult[],
): string[] {
  const usages = results.flatMap(({ cpu }) => cpu?.processes ?? []);
  const rows = processes.flatMap((watched) => {
    const own = usages.filter(({ pid }) => pid === watched.pid);
    const peak = Math.max(...own.map(({ peakMemoryBytes }) => peakMemoryBytes ?? 0));
    if (own.length === 0 || peak <= 0) return [];
    const isSinceStart = own.some(({ peakSince }) => peakSince === "start");
    const userSeconds = own.reduce((sum, used) => sum + used.userSeconds, 0);
    const systemSeconds = own.reduce((sum, used) => sum + used.systemSeconds, 0);
    return [
      [
        watched.name,
        String(watched.pid),
        humanSize(peak) + (isSinceStart ? " since its start" : ""),
        cpuCell({ userSeconds, systemSeconds }),
        own.some(({ isGone }) => isGone) ? "ended meanwhile" : "",
      ],
    ];
  });
  if (rows.length === 0) return [];
  return [
    "",
    ...tableLines(
      [
        { title: "Process" },
        right("id"),
        right("peak memory"),
        right("CPU seconds"),
        { title: "" },
      ],
      rows,
    ),
  ];
}

function right(title: string): Column {
  return { title, align: "right" };
}

/** Three digits or so, thousands set apart. */
function rate(perSecond: number): string {
  if (perSecond >= 99.95) return humanCount(Math.round(perSecond));
  return perSecond.toFixed(perSecond >= 9.95 ? 1 : 2);
}

function span(durationMs: number): string {
  if (durationMs < 9.995) return `${durationMs.toFixed(2)} ms`;
  if (durationMs < 99.95) return `${durationMs.toFixed(1)} ms`;
  if (durationMs < 999.5) return `${durationMs.toFixed(0)} ms`;
  return `${(durationMs / 1000).toFixed(durationMs < 99_950 ? 2 : 0)} s`;
}

function percent(share: number | undefined): string {
  return share === undefined ? "" : `${Math.round(share * 100)} %`;
}
