import { styleText } from "node:util";
import type { FileEntry } from "@cairnfs/client/entry";
import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { expandPaths } from "../expand.ts";
import { localTime, modeText, shownSize } from "../format.ts";
import { jsonText } from "../json-text.ts";
import { parseClusterPath, showClusterPath } from "../path-spec.ts";

interface LsFlags extends ClusterFlags {
  readonly long?: boolean;
  readonly directory?: boolean;
  readonly bytes?: boolean;
  readonly null?: boolean;
}

/** Entries that are laid out together; a listing of any length takes no more memory. */
const PAGE_ENTRIES = 1_000;

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "List directories, or the files that a pattern matches. Directories end with a slash.",
    )
    .argument("[paths...]", "paths in the cluster; the root unless given")
    .option("-l, --long", "mode, size, time and copies too")
    .option("-d, --directory", "directories themselves, not what is in them")
    .option("-b, --bytes", "exact sizes")
    .option("-0, --null", "end each name with a zero byte instead of a newline");
  clusterFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  cairn ls -l cairn:/photos
  cairn ls '/photos/*.jpg'                   quoted, for the cluster to match
  cairn ls --json /photos | jq -r .name
  cairn ls -0 /photos | xargs -0 -n1 echo`,
    )
    .action(async (paths: readonly string[], flags: LsFlags) => {
      const asked = (paths.length === 0 ? ["/"] : paths).map(parseClusterPath);
      await withCluster(context, flags, (session) => list(session, asked, flags));
    });
}

async function list(session: Session, paths: readonly string[], flags: LsFlags): Promise<void> {
  const { client, output, signal } = session;
  const entries = await expandPaths(client, paths, signal);
  const isItself = (entry: FileEntry) => entry.kind === "file" || flags.directory === true;
  const alone = entries.filter(isItself);
  const directories = entries.filter((entry) => !isItself(entry));
  await show(session, alone, flags, ({ path }) => path);
  for (const [at, directory] of directories.entries()) {
    const needsHeading = entries.length > 1 && !output.isJson && flags.null !== true;
    if (needsHeading) {
      const gap = at > 0 || alone.length > 0 ? "\n" : "";
      await output.line(`${gap}${output.name(showClusterPath(directory.path))}:`);
    }
    let page: FileEntry[] = [];
    for await (const entry of client.list(directory.path, { signal })) {
      page.push(entry);
      if (page.length < PAGE_ENTRIES) continue;
      await show(session, page, flags, ({ name }) => name);
      page = [];
    }
    await show(session, page, flags, ({ name }) => name);
  }
}

async function show(
  { output }: Session,
  entries: readonly FileEntry[],
  flags: LsFlags,
  nameOf: (entry: FileEntry) => string,
): Promise<void> {
  if (output.isJson) {
    await output.lines(entries.map((entry) => jsonText(entry)));
    return;
  }
  if (flags.null === true) {
    if (entries.length > 0) await output.raw(entries.map((entry) => `${nameOf(entry)}\0`).join(""));
    return;
  }
  const shownName = (entry: FileEntry) => {
    const name = output.name(nameOf(entry));
    if (entry.kind === "file" || name === "/") return name;
    return output.isTerminal ? `${styleText(["bold", "blue"], name)}/` : `${name}/`;
  };
  if (flags.long !== true) {
    await output.lines(entries.map(shownName));
    return;
  }
  await output.table(
    [
      { title: "" },
      { title: "", align: "right" },
      { title: "" },
      { title: "", align: "right" },
      { title: "" },
    ],
    entries.map((entry) => [
      modeText(entry.mode, entry.kind === "directory"),
      entry.kind === "directory" ? "-" : shownSize(entry.sizeBytes, flags.bytes === true),
      localTime(entry.modifiedMs),
      copiesOf(entry),
      shownName(entry),
    ]),
  );
}

/** Copies wanted of a file's chunks; what lives in the metadata has none. */
function copiesOf(entry: FileEntry): string {
  if (entry.kind === "directory") return "";
  return entry.chunkCount === 0 ? "inline" : `${entry.replicationFactor}x`;
}
