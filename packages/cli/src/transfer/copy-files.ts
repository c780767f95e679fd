import { hasReason } from "@cairnfs/base/errors";
import type { FileEntry } from "@cairnfs/client/entry";
import type { Session } from "../cluster-command.ts";
import { expandPaths } from "../expand.ts";
import { CommandFailure } from "../failure.ts";
import { showName } from "../format.ts";
import { joinPath, type PathSpec, showClusterPath } from "../path-spec.ts";
import { ManyTransfers } from "./many.ts";
import type { TransferFlags } from "./transfer-flags.ts";

type ClusterSpec = PathSpec & { readonly place: "cluster" };

/** Where each of the entries goes when they are copied or moved to the target: into it when it is a directory. */
export async function placesFor(
  { client, signal }: Session,
  entries: readonly FileEntry[],
  target: ClusterSpec,
): Promise<{ readonly entry: FileEntry; readonly path: string }[]> {
  const isDirectory = target.endsWithSlash || (await isExistingDirectory());
  if (!isDirectory && entries.length > 1) {
    throw new CommandFailure(
      "usage",
      `several sources need a directory to go to, and ${showClusterPath(target.path)} is none`,
      "end it with a slash to have it made",
    );
  }
  return entries.map((entry) => ({
    entry,
    path: isDirectory ? joinPath(target.path, entry.name) : target.path,
  }));

  async function isExistingDirectory(): Promise<boolean> {
    try {
      return (await client.stat(target.path, { signal })).kind === "directory";
    } catch (error) {
      if (hasReason(error, "pathNotFound", "notADirectory")) return false;
      throw error;
    }
  }
}

/** Copies within the cluster: no bytes move. */
export async function copyFiles(
  session: Session,
  paths: readonly string[],
  target: ClusterSpec,
  flags: TransferFlags,
): Promise<void> {
  const { client, signal, context, output } = session;
  const entries = await expandPaths(client, paths, signal);
  const transfers = new ManyTransfers(context, output, {
    parallel: flags.parallel,
    isVerbose: flags.verbose === true,
  });
  const copy = (entry: FileEntry, path: string) => {
    transfers.progress.expect(entry.sizeBytes);
    return transfers.start(entry.path, async () => {
      await client.copy(entry.path, path, {
        signal,
        parents: true,
        noReplace: !flags.clobber,
      });
      transfers.progress.add(entry.sizeBytes);
      return {
        source: showClusterPath(entry.path),
        target: showClusterPath(path),
        sizeBytes: entry.sizeBytes,
      };
    });
  };
  try {
    for (const { entry, path } of await placesFor(session, entries, target)) {
      transfers.progress.start(entry.name, 0, 0);
      if (entry.kind === "file") {
        await copy(entry, path);
        continue;
      }
      refuseIntoItself(entry, path, flags);
      await client.mkdir(path, { parents: true, signal, mode: entry.mode });
      for await (const child of client.walk(entry.path, { signal })) {
        const childPath = path + child.path.slice(entry.path === "/" ? 0 : entry.path.length);
        if (child.kind === "file") await copy(child, childPath);
        else await client.mkdir(childPath, { parents: true, signal, mode: child.mode });
      }
    }
  } finally {
    await transfers.settle();
  }
  await transfers.finish();
}

function refuseIntoItself(entry: FileEntry, path: string, flags: TransferFlags): void {
  const shown = showName(showClusterPath(entry.path));
  if (flags.recursive !== true) {
    throw new CommandFailure(
      "conflict",
      `${shown} is a directory`,
      "add -r to take it with all that is in it",
    );
  }
  if (entry.path === "/" || `${path}/`.startsWith(`${entry.path}/`)) {
    throw new CommandFailure("usage", `${shown} cannot be copied into itself`);
  }
}
