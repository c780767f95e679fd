import type { FileEntry } from "@cairnfs/client/entry";
import { formatDuration } from "@cairnfs/config/units";
import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { expandPaths } from "../expand.ts";
import { humanCount, humanSize, localTime, modeText } from "../format.ts";
import { parseClusterPath, showClusterPath } from "../path-spec.ts";

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
          const rows = entry.kind === "file" ? fileRows(entry) : directoryRows(entry);
          await output.table(
            [{ title: "" }, { title: "" }],
            [["path", output.name(showClusterPath(entry.path))], ...rows, ...commonRows(entry)],
          );
        }
      });
    });
}

function fileRows(entry: FileEntry): string[][] {
  const isInline = entry.chunkCount === 0;
  return [
    ["size", `${humanCount(entry.sizeBytes)} bytes (${humanSize(entry.sizeBytes)})`],
    [
      "chunks",
      isInline
        ? "none: it lives in the metadata"
        : `${humanCount(entry.chunkCount)} of up to ${humanSize(entry.chunkSizeBytes)}, ${entry.replicationFactor} copies wanted`,
    ],
    ["sha-256", entry.sha256 ?? "not computed"],
    ...(entry.contentType === "" ? [] : [["type", entry.contentType]]),
  ];
}

function directoryRows({ policy }: FileEntry): string[][] {
  const settings = [
    policy?.chunkSizeBytes === undefined ? "" : `chunks of ${humanSize(policy.chunkSizeBytes)}`,
    policy?.replicationFactor === undefined ? "" : `${policy.replicationFactor} copies`,
    policy?.trashMs === undefined ? "" : `${formatDuration(policy.trashMs)} in the trash`,
  ].filter((setting) => setting !== "");
  return [
    ["kind", "directory"],
    ["policy", settings.length === 0 ? "inherited" : settings.join(", ")],
  ];
}

function commonRows(entry: FileEntry): string[][] {
  const bits = entry.mode.toString(8).padStart(4, "0");
  return [
    ["mode", `${modeText(entry.mode, entry.kind === "directory")} (${bits})`],
    ["modified", localTime(entry.modifiedMs)],
    ["created", localTime(entry.createdMs)],
    ...Object.entries(entry.userMetadata).map(([name, value]) => [`meta ${name}`, value]),
    ["inode", `${entry.inodeId}, version ${entry.version}`],
  ];
}
