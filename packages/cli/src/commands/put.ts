import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { clusterSpec } from "../path-spec.ts";
import { putFiles } from "../transfer/put-files.ts";
import { storageFlags, type TransferFlags, transferFlags } from "../transfer/transfer-flags.ts";

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Copy local files, folders (-r) or stdin (-) into the cluster. A file appears whole when all of it is durable, or not at all.",
    )
    .usage("[options] <source...> <target>")
    .argument(
      "<paths...>",
      "local sources, then the target in the cluster; missing directories are made",
    );
  clusterFlags(storageFlags(transferFlags(command)))
    .option("--sha256", "keep the SHA-256 of whole files, for stat to show")
    .addHelpText(
      "after",
      `
Examples:
  cairn put a.jpg cairn:/photos/              into a directory
  cairn put a.jpg cairn:/photos/b.jpg         under another name
  cairn put -r photos cairn:/backup           a folder with all that is in it
  pg_dump shop | cairn put - cairn:/dumps/shop.sql
  cairn put --chunk-size 64MiB film.mkv cairn:/films/
  cairn put -- -odd-name cairn:/x`,
    )
    .action(async (paths: readonly string[], flags: TransferFlags & ClusterFlags) => {
      const target = paths.at(-1);
      const sources = paths.slice(0, -1);
      if (target === undefined || sources.length === 0) {
        throw new CommandFailure(
          "usage",
          "put needs a source and a target",
          "cairn put README.md cairn:/docs/",
        );
      }
      await withCluster(context, flags, (session) =>
        putFiles(session, sources, clusterSpec(target), flags),
      );
    });
}
