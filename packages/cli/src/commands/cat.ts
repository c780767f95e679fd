import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { expandPaths } from "../expand.ts";
import { CommandFailure } from "../failure.ts";
import { showName } from "../format.ts";
import { parseSizeOption } from "../parse-option.ts";
import { parseClusterPath, showClusterPath } from "../path-spec.ts";

interface CatFlags extends ClusterFlags {
  readonly offset?: number;
  readonly length?: number;
}

export function define(command: Command, { context }: CommandHost): void {
  command
    .description("Write files of the cluster to stdout, one after the other, every byte verified.")
    .argument("<paths...>", "files in the cluster")
    .option("--offset <size>", "start there, like 1MiB", parseSizeOption)
    .option("--length <size>", "at most this much of each file", parseSizeOption);
  clusterFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  cairn cat cairn:/logs/today.log | grep error
  cairn cat --offset 1GiB --length 64KiB cairn:/films/a.mkv | xxd | head`,
    )
    .action(async (paths: readonly string[], flags: CatFlags) => {
      await withCluster(context, flags, async ({ client, output, signal }) => {
        for (const entry of await expandPaths(client, paths.map(parseClusterPath), signal)) {
          if (entry.kind === "directory") {
            throw new CommandFailure(
              "conflict",
              `${showName(showClusterPath(entry.path))} is a directory`,
              "`cairn ls` shows what is in it",
            );
          }
          const offsetBytes = flags.offset ?? 0;
          if (offsetBytes > entry.sizeBytes) continue;
          await output.bytes(
            await client.get(entry.path, { signal, offsetBytes, lengthBytes: flags.length }),
          );
        }
      });
    });
}
