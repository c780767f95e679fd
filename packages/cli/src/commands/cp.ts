import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import type { Context } from "../context.ts";
import { CommandFailure } from "../failure.ts";
import { type PathSpec, parsePathSpec } from "../path-spec.ts";
import { copyFiles } from "../transfer/copy-files.ts";
import { getFiles, getToPipe } from "../transfer/get-files.ts";
import { putFiles } from "../transfer/put-files.ts";
import { storageFlags, type TransferFlags, transferFlags } from "../transfer/transfer-flags.ts";

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Copy from here to the cluster, from the cluster to here, or within the cluster, where no bytes move.\n" +
        "A path in the cluster starts with cairn: and every other path is local.",
    )
    .usage("[options] <source...> <target>")
    .argument("<paths...>", "sources, then the target");
  clusterFlags(storageFlags(transferFlags(command)))
    .addHelpText(
      "after",
      `
Examples:
  cairn cp a.jpg cairn:/photos/                       as put
  cairn cp -r cairn:/photos backup/                   as get
  cairn cp cairn:/photos/a.jpg cairn:/best/1.jpg      within the cluster, at once
  cairn cp -r cairn:/photos cairn:/photos-2026`,
    )
    .action((paths: readonly string[], flags: TransferFlags & ClusterFlags) =>
      copy(context, paths, flags),
    );
}

async function copy(
  context: Context,
  paths: readonly string[],
  flags: TransferFlags & ClusterFlags,
): Promise<void> {
  const specs = paths.map(parsePathSpec);
  const target = specs.at(-1);
  const sources = specs.slice(0, -1);
  const places = new Set(sources.map(({ place }) => (place === "cluster" ? "cluster" : "here")));
  if (target === undefined || sources.length === 0) {
    throw new CommandFailure(
      "usage",
      "cp needs a source and a target",
      "cairn cp a.jpg cairn:/photos/",
    );
  }
  if (places.size > 1) {
    throw new CommandFailure(
      "usage",
      "some sources are here and some in the cluster",
      "copy them one after the other",
    );
  }
  const isFromCluster = places.has("cluster");
  if (!isFromCluster && target.place !== "cluster") {
    throw new CommandFailure(
      "usage",
      "neither side is in the cluster",
      "write the side that is as cairn:/path; for local copies there is cp",
    );
  }
  await withCluster(context, flags, async (session) => {
    if (target.place === "cluster") {
      return isFromCluster
        ? copyFiles(session, sources.map(pathOf), target, flags)
        : putFiles(session, sources.map(pathOf), target, flags);
    }
    if (target.place === "local") return getFiles(session, sources.map(pathOf), target.path, flags);
    const [source, ...others] = sources.map(pathOf);
    if (source === undefined || others.length > 0) {
      throw new CommandFailure(
        "usage",
        "one file at a time goes to stdout",
        "`cairn cat` takes several",
      );
    }
    return getToPipe(session, source);
  });
}

function pathOf(spec: PathSpec): string {
  return spec.place === "pipe" ? "-" : spec.path;
}
