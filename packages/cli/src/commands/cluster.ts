import { readFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import type { Command } from "commander";
import { type CommandHost, subcommand } from "../command.ts";
import type { Context } from "../context.ts";
import { counted, humanAgo, humanSize } from "../format.ts";
import { clusterDown, clusterUp } from "../local-cluster/process-cluster.ts";
import { isRunning } from "../local-cluster/process-identity.ts";
import { DATA_FOLDER, type LocalProcess, readState } from "../local-cluster/state-file.ts";
import { Output } from "../output.ts";
import { parseCount } from "../parse-option.ts";
import { rootKeyText } from "../server/run-server.ts";
import type { RootKey } from "../server/server-parts.ts";

interface ClusterFlags {
  readonly data: string;
  readonly json?: boolean;
}

interface UpFlags extends ClusterFlags {
  readonly port?: number;
  readonly datanodes?: number;
}

interface DownFlags extends ClusterFlags {
  readonly wipe?: boolean;
}

export function define(command: Command, host: CommandHost): void {
  const { context } = host;
  command.description(
    "Run a cluster on this machine as it would run on several: a process for the coordinator, one for each datanode and one for S3.",
  );
  const sub = (name: string) =>
    subcommand(command, host, name)
      .option("-d, --data <folder>", "the data folder", DATA_FOLDER)
      .option("--json", "print JSON");

  sub("up")
    .description("Start what is missing, and wait until all of it is healthy.")
    .option(
      "-p, --port <port>",
      "port of the coordinator (as before, 7070 at first); 0: a free one",
      parseCount(0, 65_513),
    )
    .option(
      "-n, --datanodes <count>",
      "how many datanodes (as before, 6 at first)",
      parseCount(1, 256),
    )
    .addHelpText(
      "after",
      "\nExamples:\n  cairn cluster up\n  cairn cluster up -n 8\n  cairn cluster up -p 0 -d /tmp/trial\n\nSettings are read from coordinator.yaml, datanode.yaml and gateway.yaml in the data folder, if they are there.",
    )
    .action((flags: UpFlags) => up(context, flags));
  sub("down")
    .description("End all processes in order; the files stay unless --wipe is given.")
    .option("--wipe", "remove the data too")
    .addHelpText("after", "\nExamples:\n  cairn cluster down\n  cairn cluster down --wipe")
    .action((flags: DownFlags) => down(context, flags));
  sub("status")
    .description("Show the processes; exit code 11 when one that should run does not.")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn cluster status\n  cairn cluster status --json | jq -r '.processes[] | [.name, .pid] | @tsv'",
    )
    .action(async (flags: ClusterFlags) => {
      if (!(await status(context, flags))) host.finishWith("unhealthy");
    });

  command.addHelpText(
    "after",
    `
Examples:
  cairn cluster up                  a coordinator, six datanodes and a gateway, data in ./${DATA_FOLDER}
  cairn cluster up -n 8             two more
  cairn cluster status
  cairn cluster down --wipe         all of it gone

Settings are read from coordinator.yaml, datanode.yaml and gateway.yaml in the data folder, if they are there:
  mkdir -p ${DATA_FOLDER} && echo 'repairDelayMs: 10s' > ${DATA_FOLDER}/coordinator.yaml`,
  );
}

async function up(context: Context, flags: UpFlags): Promise<void> {
  const output = new Output(context, flags);
  const { clock, signal } = context;
  const startedMs = clock.monotonicMs();
  const removed: LocalProcess[] = [];
  let rootKey: RootKey | undefined;
  const state = await clusterUp({
    dataFolder: resolve(context.folder, flags.data),
    port: flags.port,
    datanodes: flags.datanodes,
    clock,
    signal,
    tell: ({ name, pid, address }, wasRunning) =>
      output.remark(
        `${name.padEnd(12)} ${wasRunning ? "runs as before" : "started"}  process ${pid}, ${address}`,
      ),
    tellRemoved: (process) => removed.push(process),
    tellRootKey: (key) => {
      rootKey = key;
    },
  });
  if (output.isJson) {
    await output.json({ ...state, rootKey });
    return;
  }
  const datanodes = state.processes.filter(
    ({ role, isRemoved }) => role === "datanode" && isRemoved !== true,
  ).length;
  for (const { name } of removed) {
    await output.line(`${name} was removed from the cluster: it is ended, and not started again`);
  }
  const s3 = state.processes.find(({ role }) => role === "gateway");
  const seconds = ((clock.monotonicMs() - startedMs) / 1000).toFixed(1);
  if (removed.length > 0 && flags.datanodes === undefined) {
    output.remark(
      `\`cairn cluster up -n ${datanodes + removed.length}\` starts ${removed.length === 1 ? "a new one in its place" : "new ones in their place"}`,
    );
  }
  await output.line(
    `the cluster is healthy: coordinator on ${state.coordinator}, ${counted(datanodes, "datanode")}${s3 === undefined ? "" : `, S3 on http://${s3.address}`} (${seconds} s)`,
  );
  const keyText = rootKeyText(rootKey);
  if (keyText !== "") await output.raw(keyText);
}

async function down(context: Context, flags: DownFlags): Promise<void> {
  const output = new Output(context, flags);
  const ended: Record<string, string> = {};
  await clusterDown({
    dataFolder: resolve(context.folder, flags.data),
    isWiped: flags.wipe === true,
    clock: context.clock,
    tell: ({ name, pid }, outcome) => {
      ended[name] = outcome;
      output.remark(`${name.padEnd(12)} ${outcome}  process ${pid}`);
    },
  });
  if (output.isJson) await output.json({ processes: ended, wiped: flags.wipe === true });
  else {
    const count = Object.values(ended).filter((outcome) => outcome !== "was not running").length;
    const wiped = flags.wipe === true ? ", and the data is gone" : "";
    await output.line(
      `${count === 0 ? "nothing ran" : `${counted(count, "process", "processes")} ended`}${wiped}`,
    );
  }
}

async function status(context: Context, flags: ClusterFlags): Promise<boolean> {
  const output = new Output(context, flags);
  const dataFolder = resolve(context.folder, flags.data);
  const state = await readState(dataFolder);
  const rows = await Promise.all(
    (state?.processes ?? []).map(async (process) => ({
      ...process,
      isRunning: await isRunning(process.pid, process.identity),
    })),
  );
  const isWell =
    rows.length > 0 && rows.every((process) => process.isRunning || process.isRemoved === true);
  if (output.isJson) {
    await output.json({ dataFolder, isRunning: isWell, processes: rows });
    return isWell;
  }
  if (rows.length === 0) {
    await output.line(`no cluster was started out of ${output.name(dataFolder)}`);
    return false;
  }
  const now = context.clock.now();
  await output.table(
    [
      { title: "Process" },
      { title: "Id", align: "right" },
      { title: "State" },
      { title: "Address" },
      { title: "Metrics" },
      { title: "Memory", align: "right" },
      { title: "Started" },
      { title: "Data" },
    ],
    await Promise.all(
      rows.map(async (process) => [
        process.name,
        String(process.pid),
        process.isRemoved === true ? "removed" : process.isRunning ? "running" : "gone",
        process.address,
        process.httpAddress ?? "",
        process.isRunning ? await memoryOf(process) : "",
        humanAgo(now - process.startedMs),
        process.dataDir === undefined
          ? ""
          : output.name(relative(context.folder, process.dataDir) || "."),
      ]),
    ),
  );
  return isWell;
}

/** Resident memory as Linux shows it; empty elsewhere. */
async function memoryOf({ pid }: LocalProcess): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/status`, "utf8");
    const kibibytes = /^VmRSS:\s+(\d+) kB$/mu.exec(text)?.[1];
    return kibibytes === undefined ? "" : humanSize(Number(kibibytes) * 1024);
  } catch (error) {
    // No such system, or the process has just ended.
    if (error instanceof Error && "code" in error) return "";
    throw error;
  }
}
