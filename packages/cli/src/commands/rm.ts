import { hasReason } from "@cairnfs/base/errors";
import type { RemoveResult } from "@cairnfs/client/client-options";
import type { FileEntry } from "@cairnfs/client/entry";
import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { expandPath } from "../expand.ts";
import { CommandFailure } from "../failure.ts";
import { humanIn, showName } from "../format.ts";
import { parseClusterPath, showClusterPath } from "../path-spec.ts";

interface RmFlags extends ClusterFlags {
  readonly recursive?: boolean;
  readonly force?: boolean;
  readonly forever?: boolean;
  readonly verbose?: boolean;
}

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Remove files and empty directories; trees with -r, at once whatever their size. They go to the trash, as long as the policy of their directory says.",
    )
    .argument("<paths...>", "paths in the cluster")
    .option("-r, --recursive", "remove directories with all that is in them")
    .option("--forever", "not to the trash: they cannot be restored")
    .option("-f, --force", "what is not there is no failure")
    .option("-v, --verbose", "name each as it is done");
  clusterFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  cairn rm /photos/a.jpg
  cairn rm -r /photos/2019
  cairn rm --forever '/tmp/*.part'
  cairn trash restore /photos/a.jpg   bring it back`,
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
  const trashed: Trashed = { count: 0, firstPath: "", nextDueMs: Number.POSITIVE_INFINITY };
  for (const path of paths) {
    for (const entry of await found(session, path, flags)) {
      const { trashId, trashDueMs } = await removeEntry(session, entry, flags);
      if (trashDueMs !== undefined) {
        if (trashed.count === 0) trashed.firstPath = entry.path;
        trashed.count += 1;
        trashed.nextDueMs = Math.min(trashed.nextDueMs, trashDueMs);
      }
      if (output.isJson) await output.json({ removed: entry.path, trashId, trashDueMs });
      else if (flags.verbose === true) await output.line(output.name(showClusterPath(entry.path)));
      signal.throwIfAborted();
    }
  }
  tellTrashed(session, trashed);

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

interface Trashed {
  count: number;
  firstPath: string;
  nextDueMs: number;
}

const NOT_TRASHED: RemoveResult = { trashId: undefined, trashDueMs: undefined };

/** Tells a person where it is, and how to get it back. */
function tellTrashed({ output, context }: Session, trashed: Trashed): void {
  const { count, firstPath, nextDueMs } = trashed;
  if (count === 0) return;
  const what = count === 1 ? "it goes for good" : `the first of ${count} goes for good`;
  const soon = humanIn(nextDueMs - context.clock.now());
  const path = showName(showClusterPath(firstPath));
  output.remark(`in the trash, ${what} ${soon}; to bring it back: cairn trash restore '${path}'`);
}

async function removeEntry(
  { client, signal }: Session,
  entry: FileEntry,
  { recursive = false, force = false, forever = false }: RmFlags,
): Promise<RemoveResult> {
  try {
    return await client.remove(entry.path, { signal, recursive, forever });
  } catch (error) {
    if (force && hasReason(error, "pathNotFound")) return NOT_TRASHED;
    if (!hasReason(error, "directoryNotEmpty")) throw error;
    throw new CommandFailure(
      "conflict",
      `${showName(showClusterPath(entry.path))} is a directory with entries`,
      "add -r to remove it with all that is in it",
    );
  }
}
