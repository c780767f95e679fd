import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import { type CommandHost, subcommand } from "../command.ts";
import { NODE_COLUMNS, nodeRow } from "../node-rows.ts";

interface NodeFlags extends ClusterFlags {
  readonly bytes?: boolean;
}

export function define(command: Command, host: CommandHost): void {
  const { context } = host;
  command
    .description("The nodes of the cluster.")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn node ls\n  cairn node ls --json | jq -r 'select(.state != \"healthy\") | .address'",
    );
  clusterFlags(
    subcommand(command, host, "ls").description("List the nodes, as the coordinator knows them."),
  )
    .option("-b, --bytes", "exact sizes")
    .action(async (flags: NodeFlags) => {
      await withCluster(context, flags, async ({ client, output, signal }) => {
        const nodes = [...(await client.clusterState({ signal })).nodes];
        nodes.sort((one, other) => one.nodeNumber - other.nodeNumber);
        if (output.isJson) {
          await output.lines(nodes.map((node) => JSON.stringify(node)));
          return;
        }
        const nowMs = context.clock.now();
        const isExact = flags.bytes === true;
        await output.table(
          NODE_COLUMNS,
          nodes.map((node) => nodeRow(node, { output, nowMs, isExact })),
        );
      });
    });
}
