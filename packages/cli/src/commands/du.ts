import type { FileEntry } from "@cairnfs/client/entry";
import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { expandPaths } from "../expand.ts";
import { humanCount, shownSize } from "../format.ts";
import { parseCount } from "../parse-option.ts";
import { parseClusterPath, showClusterPath } from "../path-spec.ts";

interface DuFlags extends ClusterFlags {
  readonly depth: number;
  readonly bytes?: boolean;
}

/** What the tree at a path adds up to. */
interface Usage {
  readonly path: string;
  sizeBytes: number;
  replicatedBytes: number;
  fileCount: number;
  directoryCount: number;
}

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Add up the sizes below directories: what files hold, and what that takes with all wanted copies. Chunks that files share are counted for each of them.",
    )
    .argument("[paths...]", "paths in the cluster; the root unless given")
    .option("-d, --depth <levels>", "directories so many levels down, one by one", parseCount(0), 0)
    .option("-b, --bytes", "exact sizes");
  clusterFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  cairn du cairn:/photos\n  cairn du -d 1 /\n  cairn du --json / | jq .sizeBytes",
    )
    .action(async (paths: readonly string[], flags: DuFlags) => {
      const asked = (paths.length === 0 ? ["/"] : paths).map(parseClusterPath);
      await withCluster(context, flags, (session) => show(session, asked, flags));
    });
}

async function show(session: Session, paths: readonly string[], flags: DuFlags): Promise<void> {
  const { client, output, signal } = session;
  const usages: Usage[] = [];
  for (const entry of await expandPaths(client, paths, signal)) {
    usages.push(...(await usagesOf(session, entry, flags.depth)));
  }
  if (output.isJson) {
    await output.lines(usages.map((usage) => JSON.stringify(usage)));
    return;
  }
  const isExact = flags.bytes === true;
  await output.table(
    [
      { title: "Size", align: "right" },
      { title: "With copies", align: "right" },
      { title: "Files", align: "right" },
      { title: "Path" },
    ],
    usages.map((usage) => [
      shownSize(usage.sizeBytes, isExact),
      shownSize(usage.replicatedBytes, isExact),
      humanCount(usage.fileCount),
      output.name(showClusterPath(usage.path)),
    ]),
  );
}

/** The usage of each directory down to `depth`, the deepest first as du has it; the entry itself is the last. */
async function usagesOf(
  { client, signal }: Session,
  top: FileEntry,
  depth: number,
): Promise<Usage[]> {
  const usages = new Map<string, Usage>([[top.path, emptyUsage(top.path)]]);
  const below = top.path === "/" ? 1 : top.path.length + 1;
  const add = (entry: FileEntry) => {
    const names = entry.path.slice(below).split("/");
    const owners = [top.path];
    for (let level = 1; level <= Math.min(depth, names.length - 1); level++) {
      owners.push(entry.path.slice(0, below) + names.slice(0, level).join("/"));
    }
    if (entry.kind === "directory" && names.length <= depth) {
      usages.set(entry.path, emptyUsage(entry.path));
    }
    for (const owner of owners) addTo(usages.get(owner), entry);
  };
  if (top.kind === "file") addTo(usages.get(top.path), top);
  else for await (const entry of client.walk(top.path, { signal })) add(entry);
  return [...usages.values()].reverse();
}

function emptyUsage(path: string): Usage {
  return { path, sizeBytes: 0, replicatedBytes: 0, fileCount: 0, directoryCount: 0 };
}

function addTo(usage: Usage | undefined, entry: FileEntry): void {
  if (usage === undefined) return;
  if (entry.kind === "directory") {
    usage.directoryCount += 1;
    return;
  }
  usage.fileCount += 1;
  usage.sizeBytes += entry.sizeBytes;
  usage.replicatedBytes += entry.sizeBytes * (entry.chunkCount === 0 ? 1 : entry.replicationFactor);
}
