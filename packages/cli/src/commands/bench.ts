import type { Command } from "commander";
import {
  type BenchFlags,
  clientsFlag,
  type FloorFlags,
  floorFlags,
  fromFlag,
  type LoadDefaults,
  loadFlags,
  loadSettings,
  type SoakFlags,
  soakFlags,
  targetFlags,
  warmUpOption,
} from "../bench/bench-flags.ts";
import { runCommand, runFloorCommand, runSoakCommand } from "../bench/run-command.ts";
import type { WorkloadName } from "../bench/workload.ts";
import { type CommandHost, subcommand } from "../command.ts";
import { parseSizeOption } from "../parse-option.ts";

/** A subcommand that puts one workload on the target. */
interface LoadRow extends LoadDefaults {
  readonly summary: string;
  readonly examples: readonly string[];
}

type LoadName = Exclude<WorkloadName, "large" | "soak">;

/** Those that several processes can drive. */
const WITH_CLIENTS: readonly LoadName[] = ["put", "get", "small", "meta", "mixed"];

const LOADS: Readonly<Record<LoadName, LoadRow>> = {
  put: {
    summary: "Put large objects; no block of them was ever stored before.",
    sizes: "64MiB",
    parallel: 4,
    count: 16,
    counted: "objects",
    examples: ["--size 1GiB --count 1", "--duration 10s --parallel 8 --replicas 1"],
  },
  get: {
    summary: "Get large objects, put before that, in random order.",
    sizes: "64MiB",
    parallel: 4,
    count: 16,
    counted: "objects",
    examples: ["--size 1GiB --count 1", "--duration 10s --json | jq .results[0].bytesPerSecond"],
  },
  small: {
    summary: "Put small objects, get them in random order, stat and remove them.",
    sizes: "4KiB,64KiB",
    parallel: 64,
    count: 4_000,
    counted: "objects of each size",
    examples: ["", "--size 4KiB --count 20000 --clients 2", "--duration 10s --json > small.json"],
  },
  meta: {
    summary:
      "Create, stat, list, rename and remove files and directories: in one directory, and in one for each of those at work.",
    parallel: 32,
    count: 4_000,
    counted: "entries of each kind",
    examples: ["", "--count 20000 --parallel 64", "--size 1KiB --duration 5s"],
  },
  list: {
    summary:
      "List a directory of many entries: whole, and its pages at the start, middle and end; then make, ask for and remove files in it.",
    parallel: 1,
    count: 10_000,
    counted: "entries",
    hasPages: true,
    examples: [
      "--count 100000",
      "--count 2000000 --json > two-million.json",
      "--count 100000 --page-size 5000 --duration 5s",
    ],
  },
  mixed: {
    summary: "45 % get, 30 % stat, 15 % put and 10 % delete over a pool of objects.",
    sizes: "64KiB",
    parallel: 16,
    duration: "10s",
    counted: "operations",
    examples: ["--duration 1m", "--size 1MiB --parallel 32 --seed 7"],
  },
};

const FLOOR_BYTES = 512 * 1024 * 1024;

const SOAK: LoadDefaults = {
  sizes: "16KiB",
  parallel: 16,
  duration: "10m",
};

/** What `cairn bench` alone does: a minute or so. */
const ROUND: readonly (readonly [WorkloadName, LoadDefaults])[] = [
  ["large", { sizes: "64MiB", parallel: 4, count: 8 }],
  ["small", { sizes: "4KiB,64KiB", parallel: 64, count: 1_500 }],
  ["meta", { parallel: 32, count: 1_500 }],
  ["list", { parallel: 1, count: 5_000 }],
];

export function define(command: Command, host: CommandHost): void {
  command
    .enablePositionalOptions()
    .description(
      "Measure what a cluster does from here; alone: a short round of put, get, small, meta and list.\n" +
        "It works in a directory of its own, and removes it in the end. CPU and memory are told for this command and for the processes of a cluster here.",
    )
    .addHelpText(
      "after",
      `
Examples:
  cairn bench                                  a short round of everything
  cairn bench --data /srv/cairn --json > report.json
  cairn bench put --size 1GiB --count 4
  cairn bench small --help                     the options of one workload`,
    );
  floorFlags(targetFlags(command))
    .option("--no-floor", "do not measure what the machine allows")
    .action(async (flags: BenchFlags) => {
      const loads = ROUND.map(([workload, defaults]) => ({
        ...loadSettings(workload, flags, defaults),
        isBrief: true,
      }));
      await runCommand(host, flags, loads);
    });
  for (const [name, row] of Object.entries(LOADS)) {
    defineLoad(command, host, name as LoadName, row);
  }
  defineFloor(command, host);
  defineSoak(command, host);
}

/** The floor's options are those of other subcommands as far as they make sense. */
function defineFloor(parent: Command, host: CommandHost): void {
  const command = subcommand(parent, host, "floor")
    .description(
      "Measure what this machine allows without CairnFS, a put with three copies and a get among it: plain sockets, synced files, SHA-256, CRC-32C.",
    )
    .option("-s, --size <size>", "moved by each step", parseSizeOption, FLOOR_BYTES)
    .addOption(warmUpOption())
    .option("--json", "JSON for scripts");
  floorFlags(command)
    .addHelpText("after", exampleText("floor", ["", "--size 4GiB --floor-folder /srv/disk1"]))
    .action(async (own: FloorFlags) => {
      await runFloorCommand(host, { ...own, ...givenTo(parent) });
    });
}

function defineSoak(parent: Command, host: CommandHost): void {
  const command = subcommand(parent, host, "soak")
    .description(
      "Load a cluster for long, small objects mixed and large ones beside, and tell how the memory of every process went.",
    )
    .addHelpText(
      "after",
      exampleText("soak", ["", "--duration 1h --put-limit 200GiB", "--memory-limit 300MiB --json"]),
    );
  soakFlags(targetFlags(loadFlags(command, SOAK))).action(async (own: SoakFlags) => {
    const flags = { ...own, ...givenTo(parent) };
    const large = {
      sizeBytes: flags.largeSize,
      parallel: flags.largeParallel,
      putBytesMax: flags.putLimit,
    };
    await runSoakCommand(host, flags, { ...loadSettings("soak", flags, SOAK), large });
  });
}

function defineLoad(parent: Command, host: CommandHost, name: LoadName, row: LoadRow): void {
  const command = subcommand(parent, host, name)
    .description(row.summary)
    .addHelpText("after", exampleText(name, row.examples));
  if (name === "put" || name === "get") {
    floorFlags(fromFlag(command)).option(
      "--floor",
      "tell results as shares of what the machine allows",
    );
  }
  loadFlags(command, row);
  if (WITH_CLIENTS.includes(name)) clientsFlag(command);
  targetFlags(command).action(async (own: BenchFlags) => {
    const flags = { ...own, ...givenTo(parent) };
    await runCommand(host, flags, [loadSettings(name, flags, row)]);
  });
}

/** Options before the subcommand's name mean the same as after it. */
function givenTo(parent: Command): Partial<Omit<BenchFlags, "size">> {
  return Object.fromEntries(
    Object.entries(parent.opts()).filter(([name]) => parent.getOptionValueSource(name) === "cli"),
  );
}

function exampleText(name: string, examples: readonly string[]): string {
  const lines = examples.map((options) => `  cairn bench ${name} ${options}`.trimEnd());
  return `\nExamples:\n${lines.join("\n")}`;
}
