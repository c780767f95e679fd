import { hasReason } from "@cairnfs/base/errors";
import type { FileEntry } from "@cairnfs/client/entry";
import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { expandPath } from "../expand.ts";
import { CommandFailure } from "../failure.ts";
import { showName } from "../format.ts";
import { parseClusterPath, showClusterPath } from "../path-spec.ts";

interface RmFlags extends ClusterFlags {
  readonly recursive?: boolean;
  readonly force?: boolean;
  readonly verbose?: boolean;
}

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Remove files and empty directories; trees with -r, at once whatever their size. Their space is reclaimed after a grace period.",
    )
    .argument("<paths...>", "paths in the cluster")
    .option("-r, --recursive", "remove directories with all that is in them")
    .option("-f, --force", "what is not there is no failure")
    .option("-v, --verbose", "name each as it is done");
  clusterFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  cairn rm /photos/a.jpg
  cairn rm -r /photos/2019
  cairn rm '/tmp/*.part'`,
    )
    .action(async (paths: readonly string[], flags: RmFlags) => {
      const asked = paths.map(parseClusterPath);
      if (asked.includes("/")) {
        throw new CommandFailure(
          "usage",
          "the root is not removed",
          "name what is in it: `cairn rm -r '/*'`",
        );
      }
      await withCluster(context, flags, (session) => remove(session, asked, flags));
    });
}

async function remove(session: Session, paths: readonly string[], flags: RmFlags): Promise<void> {
  const { client, output, signal } = session;
  for (const path of paths) {
    for (const entry of await found(session, path, flags)) {
      await removeEntry(session, entry, flags);
      if (output.isJson) await output.json({ removed: entry.path });
      else if (flags.verbose === true) await output.line(output.name(showClusterPath(entry.path)));
      signal.throwIfAborted();
    }
  }

  async function found(
    { signal }: Session,
    path: string,
    { force }: RmFlags,
  ): Promise<FileEntry[]> {
    try {
      return await expandPath(client, path, signal);
    } catch (error) {
      if (force === true && hasReason(error, "pathNotFound", "notADirectory")) return [];
      throw error;
    }
  }
}

async function removeEntry(
  { client, signal }: Session,
  entry: FileEntry,
  { recursive = false, force = false }: RmFlags,
): Promise<void> {
  try {
    await client.remove(entry.path, { signal, recursive });
  } catch (error) {
    if (force && hasReason(error, "pathNotFound")) return;
    if (!hasReason(error, "directoryNotEmpty")) throw error;
    throw new CommandFailure(
      "conflict",
      `${showName(showClusterPath(entry.path))} is a directory with entries`,
      "add -r to remove it with all that is in it",
    );
  }
}
