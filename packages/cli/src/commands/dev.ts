import { relative, resolve } from "node:path";
import { SystemRandom } from "@cairnfs/base/random";
import type { Command } from "commander";
import type { CommandHost } from "../command.ts";
import type { Context } from "../context.ts";
import { CommandFailure } from "../failure.ts";
import { counted, humanDuration, showName } from "../format.ts";
import { type DevCluster, openDevCluster } from "../local-cluster/dev-cluster.ts";
import { refuseTakenAddress } from "../local-cluster/port-holder.ts";
import { processIdentity } from "../local-cluster/process-identity.ts";
import {
  DATA_FOLDER,
  readState,
  removeState,
  runningProcesses,
  writeState,
} from "../local-cluster/state-file.ts";
import { parseCount } from "../parse-option.ts";
import { closeInTime, endOnBugs, stopAsked } from "../server/run-server.ts";
import { openTelemetry } from "../server/telemetry.ts";

const PORT = 7070;

interface DevFlags {
  readonly data: string;
  readonly port: number;
  readonly datanodes: number;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Run a whole cluster in this process: one coordinator and a few datanodes, on loopback alone.\n" +
        "What you store stays in the data folder and is there again next time.",
    )
    .option("-d, --data <folder>", "the data folder", DATA_FOLDER)
    .option(
      "-p, --port <port>",
      "port of the coordinator; gRPC and metrics take the next two; 0: free ones",
      parseCount(0, 65_533),
      PORT,
    )
    .option("-n, --datanodes <count>", "how many datanodes", parseCount(1, 64), 3)
    .option("-v, --verbose", "log what happens, not only what goes wrong")
    .option("--json", "print where it is as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  cairn dev                          in ./${DATA_FOLDER}, on port ${PORT}
  cairn dev --data /tmp/try --port 0
In another terminal, in the same folder, every cairn command finds it.`,
    )
    .action((flags: DevFlags) => runDev(context, flags));
}

async function runDev(context: Context, flags: DevFlags): Promise<void> {
  const { clock } = context;
  const startedMs = clock.monotonicMs();
  const dataFolder = resolve(context.folder, flags.data);
  await refuseSecond(dataFolder);
  for (const port of flags.port === 0 ? [] : [0, 1, 2]) {
    await refuseTakenAddress(
      `127.0.0.1:${flags.port + port}`,
      "`cairn dev --port 0` takes free ports, --port PORT others",
    );
  }
  const telemetry = openTelemetry(
    { role: "dev", logFormat: "auto", logLevel: flags.verbose === true ? "info" : "warn" },
    clock,
  );
  endOnBugs(telemetry);
  const parts = { clock, random: new SystemRandom(), telemetry };
  const cluster = await openDevCluster({ ...flags, dataFolder }, parts, context.signal);
  await writeState(dataFolder, {
    version: 1,
    kind: "dev",
    coordinator: cluster.coordinator.address,
    processes: [
      {
        name: "dev",
        role: "dev",
        pid: process.pid,
        identity: (await processIdentity(process.pid)) ?? "",
        startedMs: clock.now(),
        address: cluster.coordinator.address,
        grpcAddress: cluster.coordinator.grpcAddress,
        httpAddress: cluster.coordinator.httpAddress,
        dataDir: dataFolder,
      },
    ],
  });
  tellWhere(context, flags, { dataFolder, cluster, tookMs: clock.monotonicMs() - startedMs });
  await stopAsked(context.signal);
  if (context.stderr.isTTY) context.stderr.write("\nstopping\n");
  await removeOwnState(dataFolder);
  await closeInTime(context, cluster, telemetry);
}

/** A folder that was wiped meanwhile may belong to another by now. */
async function removeOwnState(dataFolder: string): Promise<void> {
  const state = await readState(dataFolder);
  if (state?.processes.some(({ pid }) => pid === process.pid)) await removeState(dataFolder);
}

async function refuseSecond(dataFolder: string): Promise<void> {
  const [running] = await runningProcesses(await readState(dataFolder));
  if (running === undefined) return;
  throw new CommandFailure(
    "conflict",
    `${running.name} runs out of ${dataFolder} already, as process ${running.pid} on ${running.address}`,
    running.role === "dev"
      ? "use that one, or name another folder with --data"
      : "use that one, end it with `cairn cluster down`, or name another folder with --data",
  );
}

interface Where {
  readonly dataFolder: string;
  readonly cluster: DevCluster;
  readonly tookMs: number;
}

function tellWhere(
  context: Context,
  flags: DevFlags,
  { dataFolder, cluster, tookMs }: Where,
): void {
  const { address, grpcAddress, httpAddress } = cluster.coordinator;
  const datanodes = cluster.datanodes.map((node) => node.address);
  if (flags.json === true) {
    const document = {
      event: "ready",
      role: "dev",
      address,
      grpcAddress,
      httpAddress,
      datanodes,
      dataFolder,
      pid: process.pid,
    };
    context.stdout.write(`${JSON.stringify(document)}\n`);
    return;
  }
  const shownFolder = showName(relative(context.folder, dataFolder) || ".");
  // In this folder every command finds the cluster by itself; elsewhere it must be told.
  const elsewhere = flags.data === DATA_FOLDER ? "" : `--coordinator ${address} `;
  context.stdout.write(`
CairnFS is running: ${counted(datanodes.length, "datanode")}, ready in ${humanDuration(tookMs)}.

  coordinator   ${address}
  gRPC          ${grpcAddress ?? "off"}
  metrics       ${httpAddress === undefined ? "off" : `http://${httpAddress}/metrics`}
  data          ${shownFolder.startsWith("..") ? showName(dataFolder) : shownFolder}

${removedText(cluster.removedFolders)}Try this in another terminal${elsewhere === "" ? ", in this folder" : ""}:

  npx cairn ${elsewhere}put README.md cairn:/docs/
  npx cairn ${elsewhere}ls -l cairn:/docs
  npx cairn ${elsewhere}cat cairn:/docs/README.md | head -3
  npx cairn ${elsewhere}status

Ctrl-C ends it; the files stay.
`);
}

/** How a datanode that was removed from the cluster comes back; empty when none was. */
function removedText(folders: readonly string[]): string {
  if (folders.length === 0) return "";
  const names = folders.map(showName).join(", ");
  return `Removed from the cluster: ${names}. Without its folder each joins as a new node at the next start.\n\n`;
}
