import { styleText } from "node:util";
import type { ClusterState } from "@cairnfs/client/cluster-state";
import type { Redundancy } from "@cairnfs/client/redundancy";
import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { counted, humanAgo, shownSize } from "../format.ts";
import { redundancyRows, redundancyTroubles } from "../redundancy.ts";

interface StatusFlags extends ClusterFlags {
  readonly bytes?: boolean;
  readonly check?: boolean;
}

export function define(command: Command, host: CommandHost): void {
  command
    .description("Show how the cluster is: its nodes, its space, and the truth about redundancy.")
    .option("-b, --bytes", "exact sizes")
    .option("--check", "exit with 11 unless all is well");
  clusterFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  cairn status\n  cairn status --check --json > state.json || alert",
    )
    .action(async (flags: StatusFlags) => {
      await withCluster(host.context, flags, async (session) => {
        const { client, signal, output } = session;
        const state = await client.clusterState({ signal });
        const redundancy = await client.redundancy({ signal });
        const troubles = troublesOf(state, redundancy);
        if (output.isJson) await output.json({ ...state, redundancy, troubles });
        else await show(session, state, { redundancy, troubles, isExact: flags.bytes === true });
        if (flags.check === true && troubles.length > 0) host.finishWith("unhealthy");
      });
    });
}

/** What is not well, worst first. */
function troublesOf(state: ClusterState, redundancy: Redundancy): string[] {
  const away = state.nodes.filter((node) => node.state !== "healthy");
  const sick = state.nodes.filter((node) => node.state === "healthy" && node.health !== "ok");
  return [
    ...redundancyTroubles(redundancy),
    ...away.map((node) => `node ${node.nodeNumber} (${node.address}) is ${node.state}`),
    ...sick.map(
      (node) => `node ${node.nodeNumber} (${node.address}) has a disk that is ${node.health}`,
    ),
    ...(state.nodes.length - away.length < state.defaultReplicationFactor
      ? [
          `${counted(state.defaultReplicationFactor, "copy", "copies")} wanted, ${counted(state.nodes.length - away.length, "healthy node")}`,
        ]
      : []),
  ];
}

async function show(
  { output, context }: Session,
  state: ClusterState,
  {
    redundancy,
    troubles,
    isExact,
  }: {
    readonly redundancy: Redundancy;
    readonly troubles: readonly string[];
    readonly isExact: boolean;
  },
): Promise<void> {
  const size = (sizeBytes: number) => shownSize(sizeBytes, isExact);
  const healthy = state.nodes.filter((node) => node.state === "healthy").length;
  const paint = (color: "green" | "yellow", text: string) =>
    output.isTerminal ? styleText(color, text) : text;
  const available = state.nodes.reduce((sum, node) => sum + node.availableBytes, 0);
  await output.line(
    troubles.length === 0 ? paint("green", "All is well.") : paint("yellow", "Not all is well:"),
  );
  await output.lines(troubles.map((trouble) => `  ${trouble}`));
  await output.line("");
  await output.table(
    [{ title: "" }, { title: "" }],
    [
      ["cluster", state.clusterId],
      [
        "coordinator",
        `version ${state.version}, started ${humanAgo(context.clock.now() - state.startedMs)}`,
      ],
      ["nodes", `${healthy} of ${state.nodes.length} healthy`],
      [
        "files",
        `${counted(state.fileCount, "file")}, ${counted(state.directoryCount, "directory", "directories")}, ${size(state.logicalBytes)}`,
      ],
      [
        "stored",
        `${size(state.uniqueBytes)} in ${counted(state.chunkCount, "distinct chunk")}, ${state.defaultReplicationFactor} copies by default`,
      ],
      ["room", `${size(available)} on all nodes`],
      ...redundancyRows(state, redundancy, { nowMs: context.clock.now(), size }),
      ["uploads", `${counted(state.openUploads, "upload")} open`],
      [
        "garbage",
        `${size(state.garbageBytes)} in ${counted(state.garbageChunks, "chunk")}, waiting to be reclaimed`,
      ],
    ],
  );
}
