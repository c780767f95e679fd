import { styleText } from "node:util";
import type { ClusterState } from "@cairnfs/client/cluster-state";
import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { counted, humanAgo, shownSize } from "../format.ts";
import { redundancyLine } from "../redundancy.ts";

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
        const state = await session.client.clusterState({ signal: session.signal });
        const troubles = troublesOf(state);
        if (session.output.isJson) await session.output.json({ ...state, troubles });
        else await show(session, state, { troubles, isExact: flags.bytes === true });
        if (flags.check === true && troubles.length > 0) host.finishWith("unhealthy");
      });
    });
}

/** What is not well, worst first. */
function troublesOf(state: ClusterState): string[] {
  const away = state.nodes.filter((node) => node.state !== "healthy");
  const sick = state.nodes.filter((node) => node.state === "healthy" && node.health !== "ok");
  return [
    ...(state.lostChunks > 0
      ? [`${counted(state.lostChunks, "chunk")} without any live copy`]
      : []),
    ...(state.underreplicatedChunks > 0
      ? [`${counted(state.underreplicatedChunks, "chunk")} with fewer copies than wanted`]
      : []),
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
  { troubles, isExact }: { readonly troubles: readonly string[]; readonly isExact: boolean },
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
      ["redundancy", redundancyLine(state, size)],
      ["uploads", `${counted(state.openUploads, "upload")} open`],
      [
        "garbage",
        `${size(state.garbageBytes)} in ${counted(state.garbageChunks, "chunk")}, waiting to be reclaimed`,
      ],
    ],
  );
}
