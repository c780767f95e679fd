import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { expandPaths } from "../expand.ts";
import { CommandFailure } from "../failure.ts";
import { clusterSpec, parseClusterPath, showClusterPath } from "../path-spec.ts";
import { placesFor } from "../transfer/copy-files.ts";

interface MvFlags extends ClusterFlags {
  /** False with --no-clobber. */
  readonly clobber: boolean;
  readonly verbose?: boolean;
}

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Move or rename within the cluster: each move is one atomic step, a directory of any size too. A file replaces a file.",
    )
    .usage("[options] <source...> <target>")
    .argument("<paths...>", "sources, then the target")
    .option("-n, --no-clobber", "replace nothing")
    .option("-v, --verbose", "name each as it is done");
  clusterFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  cairn mv /photos/a.jpg /photos/b.jpg
  cairn mv /photos/2025 /archive/
  cairn mv '/inbox/*.pdf' /papers/`,
    )
    .action(async (paths: readonly string[], flags: MvFlags) => {
      const target = paths.at(-1);
      if (target === undefined || paths.length < 2) {
        throw new CommandFailure(
          "usage",
          "mv needs a source and a target",
          "cairn mv /a.jpg /photos/",
        );
      }
      const noReplace = !flags.clobber;
      await withCluster(context, flags, async (session) => {
        const { client, output, signal } = session;
        const entries = await expandPaths(client, paths.slice(0, -1).map(parseClusterPath), signal);
        for (const { entry, path } of await placesFor(session, entries, clusterSpec(target))) {
          const moved = await client.rename(entry.path, path, { signal, noReplace, parents: true });
          if (output.isJson) await output.json({ source: entry.path, target: moved.path });
          else if (flags.verbose === true) {
            await output.line(
              output.name(`${showClusterPath(entry.path)} -> ${showClusterPath(path)}`),
            );
          }
        }
      });
    });
}
