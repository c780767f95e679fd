import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { parseClusterPath } from "../path-spec.ts";
import { getFiles, getToPipe } from "../transfer/get-files.ts";
import { type TransferFlags, transferFlags } from "../transfer/transfer-flags.ts";

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Copy files, or directories with -r, out of the cluster. Every byte is verified; a local file appears whole or not at all.",
    )
    .usage("[options] <path...> [target]")
    .argument(
      "<paths...>",
      "paths in the cluster, then a local file or folder (.), or - for stdout",
    );
  clusterFlags(transferFlags(command))
    .addHelpText(
      "after",
      `
Examples:
  cairn get cairn:/photos/a.jpg                   here, under its name
  cairn get cairn:/photos/a.jpg /tmp/b.jpg
  cairn get -rp cairn:/photos backup/             with modes and times
  cairn get 'cairn:/photos/*.jpg' pictures/       quoted, for the cluster to match
  cairn get cairn:/dumps/shop.sql - | psql shop`,
    )
    .action(async (paths: readonly string[], flags: TransferFlags & ClusterFlags) => {
      const target = paths.length > 1 ? (paths.at(-1) ?? ".") : ".";
      const sources = (paths.length > 1 ? paths.slice(0, -1) : paths).map(parseClusterPath);
      await withCluster(context, flags, async (session) => {
        if (target !== "-") return getFiles(session, sources, target, flags);
        const [source, ...others] = sources;
        if (source === undefined || others.length > 0) {
          throw new CommandFailure(
            "usage",
            "one file at a time goes to stdout",
            "`cairn cat` takes several",
          );
        }
        return getToPipe(session, source);
      });
    });
}
