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
import type { RootKey } from "../server/server-parts.ts";
import { openTelemetry } from "../server/telemetry.ts";

const PORT = 7070;
/** From the coordinator's port to that of S3: 7090 unless told otherwise. */
const S3_STEP = 20;

interface DevFlags {
  readonly data: string;
  readonly port: number;
  readonly datanodes: number;
  readonly s3: boolean;
  readonly s3Port?: number;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Run a whole cluster in this process: one coordinator, a few datanodes and a door for S3 clients, on loopback alone.\n" +
        "What you store stays in the data folder and is there again next time.",
    )
    .option("-d, --data <folder>", "the data folder", DATA_FOLDER)
    .option(
      "-p, --port <port>",
      "port of the coordinator; gRPC and metrics take the next two; 0: free ones",
      parseCount(0, 65_515),
      PORT,
    )
    .option(
      "--s3-port <port>",
      `port of S3: ${S3_STEP} after the coordinator's; 0: a free one`,
      parseCount(0, 65_535),
    )
    .option("--no-s3", "no door for S3 clients")
    .option("-n, --datanodes <count>", "how many datanodes", parseCount(1, 64), 3)
    .option("-v, --verbose", "log what happens, not only what goes wrong")
    .option("--json", "print where it is as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  cairn dev                          in ./${DATA_FOLDER}, on port ${PORT}
  cairn dev --data /tmp/try --port 0
  CAIRN_ROOT_ACCESS_KEY_ID=test CAIRN_ROOT_SECRET_KEY=testtest cairn dev -d /tmp/s3 --json
The first start makes an access key for S3 and shows it once; the two variables say what it is to be instead.
In another terminal, in the same folder, every cairn command finds it.`,
    )
    .action((flags: DevFlags) => runDev(context, flags));
}

async function runDev(context: Context, flags: DevFlags): Promise<void> {
  const { clock } = context;
  const startedMs = clock.monotonicMs();
  const dataFolder = resolve(context.folder, flags.data);
  await refuseSecond(dataFolder);
  const s3Port = s3PortOf(flags);
  for (const port of flags.port === 0 ? [] : [0, 1, 2]) {
    await refuseTakenAddress(
      `127.0.0.1:${flags.port + port}`,
      "`cairn dev --port 0` takes free ports, --port PORT others",
    );
  }
  await refuseTakenAddress(
    `127.0.0.1:${s3Port ?? 0}`,
    "`cairn dev --s3-port 0` takes a free port for S3, --no-s3 none",
  );
  const telemetry = openTelemetry(
    { role: "dev", logFormat: "auto", logLevel: flags.verbose === true ? "info" : "warn" },
    clock,
  );
  endOnBugs(telemetry);
  const parts = { clock, random: new SystemRandom(), telemetry };
  const rootKey = presetKey(context.env);
  const options = { ...flags, dataFolder, s3Port, rootKey };
  const cluster = await openDevCluster(options, parts, context.signal);
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
        s3Address: cluster.gateway?.address,
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

function s3PortOf({ s3, s3Port, port }: DevFlags): number | undefined {
  if (!s3) return undefined;
  return s3Port ?? (port === 0 ? 0 : port + S3_STEP);
}

/** The key that the environment says the first one is to be; half a key is refused with the other settings. */
function presetKey(env: Context["env"]): RootKey | undefined {
  const { CAIRN_ROOT_ACCESS_KEY_ID = "", CAIRN_ROOT_SECRET_KEY = "" } = env;
  return CAIRN_ROOT_ACCESS_KEY_ID === "" && CAIRN_ROOT_SECRET_KEY === ""
    ? undefined
    : { accessKeyId: CAIRN_ROOT_ACCESS_KEY_ID, secretKey: CAIRN_ROOT_SECRET_KEY };
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
      s3Endpoint: s3Endpoint(cluster),
      rootKey: cluster.gateway?.rootKey,
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
  S3            ${s3Endpoint(cluster) ?? "off"}
  data          ${shownFolder.startsWith("..") ? showName(dataFolder) : shownFolder}

${removedText(cluster.removedFolders)}Try this in another terminal${elsewhere === "" ? ", in this folder" : ""}:

  npx cairn ${elsewhere}put README.md cairn:/docs/
  npx cairn ${elsewhere}ls -l cairn:/docs
  npx cairn ${elsewhere}cat cairn:/docs/README.md | head -3
  npx cairn ${elsewhere}status

${s3Text(cluster, elsewhere)}Ctrl-C ends it; the files stay.
`);
}

function s3Endpoint({ gateway }: DevCluster): string | undefined {
  return gateway === undefined ? undefined : `http://${gateway.address}`;
}

/** The key of S3, when this start made it, and how to use it: ready to be pasted. Else how to come by one. */
function s3Text(cluster: DevCluster, elsewhere: string): string {
  const endpoint = s3Endpoint(cluster);
  const key = cluster.gateway?.rootKey;
  if (endpoint === undefined) return "";
  if (key === undefined) {
    return `S3 clients use the access keys that there are; \`npx cairn ${elsewhere}key create\` makes another one.\n\n`;
  }
  return `For S3 clients there is an access key, which is shown this once; \`npx cairn ${elsewhere}key create\` makes more:

  export AWS_ACCESS_KEY_ID=${key.accessKeyId}
  export AWS_SECRET_ACCESS_KEY=${key.secretKey}
  export AWS_DEFAULT_REGION=us-east-1 AWS_ENDPOINT_URL=${endpoint}
  aws s3 mb s3://photos && aws s3 cp README.md s3://photos/
  rclone lsl ':s3,provider=Other,env_auth=true,endpoint="${endpoint}":photos'

`;
}

/** How a datanode that was removed from the cluster comes back; empty when none was. */
function removedText(folders: readonly string[]): string {
  if (folders.length === 0) return "";
  const names = folders.map(showName).join(", ");
  return `Removed from the cluster: ${names}. Without its folder each joins as a new node at the next start.\n\n`;
}
