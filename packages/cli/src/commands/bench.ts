import { resolve } from "node:path";
import type { Command } from "commander";
import { type BenchPlan, type BenchResult, runBench } from "../bench/run-bench.ts";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { counted, humanSize } from "../format.ts";
import {
  DATA_FOLDER,
  type LocalProcess,
  readState,
  runningProcesses,
} from "../local-cluster/state-file.ts";
import type { Output } from "../output.ts";
import { parseCount, parseSizeOption } from "../parse-option.ts";

interface BenchFlags extends ClusterFlags {
  readonly size: number;
  readonly files: number;
  readonly parallel: number;
  readonly smallFiles: number;
  readonly smallParallel: number;
  readonly replicas?: number;
  readonly data: string;
}

const MIB = 1024 * 1024;
/** Files are made in memory: what is measured is the cluster, not the local disk. */
const BUFFERS_BYTES_MAX = 1024 * MIB;

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Measure what the cluster does from here: large files, small files, names. It writes below a directory of its own and removes it.\n" +
        "CPU is told for the client, and for the processes of `cairn dev` or `cairn cluster` in this folder.",
    )
    .option("-s, --size <size>", "of a large file", parseSizeOption, 64 * MIB)
    .option("-n, --files <count>", "large files", parseCount(1, 10_000), 8)
    .option("--parallel <count>", "large files at the same time", parseCount(1, 64), 2)
    .option(
      "--small-files <count>",
      "small files, and calls for names",
      parseCount(1, 1_000_000),
      1_000,
    )
    .option("--small-parallel <count>", "of those at the same time", parseCount(1, 1_024), 32)
    .option("--replicas <count>", "copies of each chunk (the cluster's default)", parseCount(1, 16))
    .option(
      "-d, --data <folder>",
      "the data folder of the local cluster whose CPU is told",
      DATA_FOLDER,
    );
  clusterFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  cairn bench\n  cairn bench --size 1GiB --files 2 --parallel 1 --replicas 1\n  cairn bench --json | jq -c '[.step, .megabytesPerSecond]'",
    )
    .action(async (flags: BenchFlags) => {
      if (flags.size * flags.parallel > BUFFERS_BYTES_MAX) {
        throw new CommandFailure(
          "usage",
          `files of ${humanSize(flags.size)}, ${flags.parallel} at a time, need more than ${humanSize(BUFFERS_BYTES_MAX)} of memory`,
          "choose a smaller --size or --parallel",
        );
      }
      const state = await readState(resolve(context.folder, flags.data));
      const processes = await runningProcesses(state);
      await withCluster(context, flags, async (session) => {
        const { output } = session;
        const plan: BenchPlan = {
          ...flags,
          sizeBytes: flags.size,
          replicas: flags.replicas,
          processes,
        };
        if (output.isJson) {
          await runBench(session, plan, (result) => output.json(result));
          return;
        }
        const roles = rolesOf(processes);
        await describe(output, flags, processes);
        await output.line(headLine(roles));
        await runBench(session, plan, (result) => output.line(resultLine(result, roles)));
      });
    });
}

function rolesOf(processes: readonly LocalProcess[]): string[] {
  return ["client", ...new Set(processes.map(({ role }) => role))];
}

async function describe(
  output: Output,
  flags: BenchFlags,
  processes: readonly LocalProcess[],
): Promise<void> {
  await output.lines([
    `${counted(flags.files, "file")} of ${humanSize(flags.size)}, ${flags.parallel} at a time; ${counted(flags.smallFiles, "small one")}, ${flags.smallParallel} at a time.`,
    processes.length === 0
      ? "CPU is the client's alone: no cluster runs out of this folder."
      : `CPU of the client and of ${counted(processes.length, "process", "processes")} here, in seconds for each GB.`,
    "",
  ]);
}

const LARGE_BYTES = 100_000_000;
const STEP_COLUMNS = 12;
const FIGURE_COLUMNS = 12;

/** Fixed columns: each line is told as its step ends. */
function headLine(roles: readonly string[]): string {
  const heads = ["MB/s", "ops/s", "seconds", ...roles.map((role) => `${role}`)];
  return `${"step".padEnd(STEP_COLUMNS)}${heads.map((head) => head.padStart(FIGURE_COLUMNS)).join("")}`;
}

function resultLine(result: BenchResult, roles: readonly string[]): string {
  const figures = [
    result.megabytesPerSecond?.toFixed(1) ?? "",
    result.operationsPerSecond.toFixed(result.operationsPerSecond < 100 ? 1 : 0),
    result.seconds.toFixed(2),
    // Of small files the bytes are not what the work is for.
    ...(result.bytes < LARGE_BYTES
      ? []
      : roles.map((role) => result.cpuSecondsPerGigabyte?.[role]?.toFixed(2) ?? "")),
  ];
  return `${result.step.padEnd(STEP_COLUMNS)}${figures.map((figure) => figure.padStart(FIGURE_COLUMNS)).join("")}`.trimEnd();
}
