import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { expandPaths } from "../expand.ts";
import { parseClusterPath } from "../path-spec.ts";
import { statRows } from "../stat-rows.ts";

export function define(command: Command, { context }: CommandHost): void {
  command
    .description("Show all that is known of files and directories.")
    .argument("<paths...>", "paths in the cluster");
  clusterFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  cairn stat cairn:/photos/a.jpg
  cairn stat --json /photos/a.jpg | jq -r .sha256`,
    )
    .action(async (paths: readonly string[], flags: ClusterFlags) => {
      await withCluster(context, flags, async ({ client, output, signal }) => {
        const entries = await expandPaths(client, paths.map(parseClusterPath), signal);
        for (const [at, entry] of entries.entries()) {
          if (output.isJson) {
            await output.json(entry);
            continue;
          }
          if (at > 0) await output.line("");
          const rows = statRows(entry).map((row) => row.map((text) => output.name(text)));
          await output.table([{ title: "" }, { title: "" }], rows);
        }
      });
    });
}
