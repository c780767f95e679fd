import { parseSize } from "@cairnfs/config/units";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type ClusterFlags, clusterFlags } from "../cluster-command.ts";
import { CommandFailure } from "../failure.ts";
import { DATA_FOLDER } from "../local-cluster/state-file.ts";
import { parseCount, parseDurationOption, parseSizeOption } from "../parse-option.ts";
import type { LoadSettings, WorkloadName } from "./workload.ts";

/** What every kind of bench takes. */
export interface BenchFlags extends ClusterFlags, FloorPlaceFlags {
  readonly data?: string;
  readonly pid?: readonly PidFlag[];
  readonly replicas?: number;
  readonly seed: number;
  readonly size?: readonly number[];
  readonly parallel?: number;
  readonly count?: number;
  readonly duration?: number;
  readonly pageSize?: number;
  readonly floor?: boolean;
  readonly clients?: number;
  readonly from?: "stream" | "file";
  readonly s3?: string;
  readonly bucket: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly region?: string;
}

/** What `bench soak` takes beside. */
export interface SoakFlags extends BenchFlags {
  readonly largeSize: number;
  readonly largeParallel: number;
  readonly putLimit: number;
  readonly memoryLimit: number;
}

interface FloorPlaceFlags {
  readonly warmUp: number;
  readonly floorFolder?: string;
}

/** What `bench floor` takes. */
export interface FloorFlags extends FloorPlaceFlags {
  readonly size: number;
  readonly json?: boolean;
}

/** A process to be watched, by its id. */
export interface PidFlag {
  readonly role: string;
  readonly pid: number;
}

const PIDS_MAX = 256;
const SEED_MAX = 2 ** 32 - 1;
const PAGE_ENTRIES = 1_000;

/** The options of where the target is and of what is watched. */
export function targetFlags(command: Command): Command {
  return clusterFlags(
    s3Flags(command)
      .option(
        "-d, --data <folder>",
        `the data folder of a local cluster: its address, and whose CPU is told (${DATA_FOLDER})`,
      )
      .option(
        "--pid <[role=]pid>",
        "a process whose CPU and memory are told; may be repeated",
        collectPid,
      )
      .option(
        "--replicas <count>",
        "copies of each chunk (the cluster's default)",
        parseCount(1, 16),
      )
      .option(
        "--seed <number>",
        "what is chosen at random is chosen again",
        parseCount(0, SEED_MAX),
        1,
      )
      .addOption(warmUpOption()),
  );
}

/** Another system instead of a cluster. */
function s3Flags(command: Command): Command {
  const options = [
    new Option("--s3 <url>", "measure what speaks S3 here, like http://127.0.0.1:9000"),
    new Option("--bucket <name>", "made if need be, and left").default("cairn-bench"),
    new Option("--access-key <key>", "else AWS_ACCESS_KEY_ID"),
    new Option("--secret-key <key>", "else AWS_SECRET_ACCESS_KEY"),
    new Option("--region <name>", "else AWS_REGION, or us-east-1"),
  ];
  for (const option of options) command.addOption(option.helpGroup("Another system:"));
  return command;
}

export function warmUpOption(): Option {
  return new Option("--warm-up <duration>", "load that is not counted, before each workload")
    .argParser(parseDurationOption)
    .default(1_000, "1s");
}

/** The options of what the machine allows. */
export function floorFlags(command: Command): Command {
  return command.option(
    "--floor-folder <folder>",
    "on the disk that the floor writes to (the local cluster's, or this one)",
  );
}

/** The options of a soak alone. */
export function soakFlags(command: Command): Command {
  return command
    .addOption(sizeOption("--large-size <size>", "of a large object", "64MiB"))
    .option("--large-parallel <count>", "large objects at the same time", parseCount(0, 64), 2)
    .addOption(
      sizeOption(
        "--put-limit <size>",
        "so much of large objects is put in all; beyond that they are read",
        "8GiB",
      ),
    )
    .addOption(
      sizeOption(
        "--memory-limit <size>",
        "a process that takes more of its own makes it fail",
        "400MiB",
      ),
    );
}

function sizeOption(name: string, help: string, size: string): Option {
  return new Option(name, help).argParser(parseSizeOption).default(parseSizeOption(size), size);
}

/** The option of workloads that put large objects. */
export function fromFlag(command: Command): Command {
  return command.addOption(
    new Option(
      "--from <source>",
      "what the SDK is given; files are made in $TMPDIR and stay in its cache",
    )
      .choices(["stream", "file"])
      .default("stream"),
  );
}

/** The option of workloads that several processes can drive. */
export function clientsFlag(command: Command): Command {
  return command.option(
    "--clients <count>",
    "processes that drive it: the threads of one may be the limit",
    parseCount(1, 64),
    1,
  );
}

/** What a workload does unless it is told otherwise. */
export interface LoadDefaults {
  readonly sizes?: string;
  readonly parallel: number;
  readonly count?: number;
  readonly duration?: string;
  /** What `--count` counts; undefined where there is no such option. */
  readonly counted?: string;
  readonly hasPages?: boolean;
}

/** The options of one workload. */
export function loadFlags(command: Command, defaults: LoadDefaults): Command {
  command.addOption(
    new Option(
      "-s, --size <sizes>",
      "of an object; several, separated by commas, one after the other",
    )
      .argParser(parseSizes)
      .default(parseSizes(defaults.sizes ?? "0"), defaults.sizes ?? "0"),
  );
  command
    .option("-p, --parallel <count>", "at the same time", parseCount(1, 1_024), defaults.parallel)
    .option("--duration <duration>", durationHelp(defaults), parseDurationOption);
  if (defaults.counted !== undefined) {
    command.option("-n, --count <count>", countHelp(defaults), parseCount(1, 100_000_000));
  }
  if (defaults.hasPages === true) {
    command.option("--page-size <entries>", "of a listing", parseCount(1, 10_000), PAGE_ENTRIES);
  }
  return command;
}

function countHelp({ counted = "", count }: LoadDefaults): string {
  return count === undefined ? counted : `${counted} (${count})`;
}

function durationHelp({ counted, duration }: LoadDefaults): string {
  return `how long each step lasts${counted === undefined ? "" : ", instead of a count"}${duration === undefined ? "" : ` (${duration})`}`;
}

/** The settings of a workload that the options ask for. */
export function loadSettings(
  workload: WorkloadName,
  flags: BenchFlags,
  defaults: LoadDefaults,
): LoadSettings {
  const isTimedAndCounted = flags.count !== undefined && flags.duration !== undefined;
  if (isTimedAndCounted && workload !== "list") {
    throw new CommandFailure("usage", "--count and --duration exclude each other");
  }
  const durationMs =
    flags.duration ??
    (defaults.duration === undefined || flags.count !== undefined
      ? 0
      : parseDurationOption(defaults.duration));
  return {
    workload,
    sizesBytes: flags.size ?? parseSizes(defaults.sizes ?? "0"),
    parallel: flags.parallel ?? defaults.parallel,
    count: flags.count ?? (durationMs > 0 ? undefined : defaults.count),
    durationMs,
    isBrief: false,
    large: undefined,
    fileFolder: undefined,
    pageEntries: flags.pageSize ?? PAGE_ENTRIES,
    seed: flags.seed,
    client: 0,
    clients: flags.clients ?? 1,
  };
}

function parseSizes(text: string): number[] {
  return text.split(",").map((part) => {
    const sizeBytes = parseSize(part.trim());
    if (sizeBytes === undefined) throw new InvalidArgumentError("expected a size like 8MiB");
    return sizeBytes;
  });
}

function collectPid(text: string, before: readonly PidFlag[] = []): PidFlag[] {
  const found = /^(?:([\w.-]+)=)?(\d{1,10})$/u.exec(text);
  if (found === null)
    throw new InvalidArgumentError("expected a process id, like 4711 or minio=4711");
  if (before.length >= PIDS_MAX) throw new InvalidArgumentError(`at most ${PIDS_MAX} processes`);
  return [...before, { role: found[1] ?? "other", pid: Number(found[2]) }];
}
