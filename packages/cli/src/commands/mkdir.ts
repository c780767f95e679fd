import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { parseMode } from "../parse-option.ts";
import { parseClusterPath } from "../path-spec.ts";
import { storageFlags } from "../transfer/transfer-flags.ts";

interface MkdirFlags extends ClusterFlags {
  readonly parents?: boolean;
  readonly mode?: number;
  readonly chunkSize?: number;
  readonly replicas?: number;
}

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Make directories. Chunk size and copies that are set here hold for every file put below.",
    )
    .argument("<paths...>", "directories in the cluster")
    .option("-p, --parents", "make missing ones above too, and be content with one that is there")
    .option("-m, --mode <bits>", "permission bits in octal, like 750", parseMode);
  clusterFlags(storageFlags(command))
    .addHelpText(
      "after",
      `
Examples:
  cairn mkdir -p cairn:/photos/2026
  cairn mkdir --replicas 2 --chunk-size 64MiB cairn:/films`,
    )
    .action(async (paths: readonly string[], flags: MkdirFlags) => {
      const { chunkSize: chunkSizeBytes, replicas: replicationFactor, mode, parents } = flags;
      const hasPolicy = chunkSizeBytes !== undefined || replicationFactor !== undefined;
      await withCluster(context, flags, async ({ client, output, signal }) => {
        for (const path of paths.map(parseClusterPath)) {
          const entry = await client.mkdir(path, {
            signal,
            parents,
            mode,
            policy: hasPolicy ? { chunkSizeBytes, replicationFactor } : undefined,
          });
          if (output.isJson) await output.json(entry);
        }
      });
    });
}
