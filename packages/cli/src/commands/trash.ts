import type { TrashItem } from "@cairnfs/client/trash";
import { parseDuration } from "@cairnfs/config/units";
import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import { type CommandHost, subcommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { CommandFailure } from "../failure.ts";
import { counted, humanAgo, humanCount, humanIn, humanSize, shownSize } from "../format.ts";
import { parseDurationOption } from "../parse-option.ts";
import { parseClusterPath, showClusterPath } from "../path-spec.ts";

interface LsFlags extends ClusterFlags {
  readonly bytes?: boolean;
}

interface RestoreFlags extends ClusterFlags {
  readonly to?: string;
  readonly replace?: boolean;
}

interface EmptyFlags extends ClusterFlags {
  readonly olderThan?: number;
  readonly yes?: boolean;
}

/** So many rows are shown at once: a table has one width for each column. */
const ROWS_SHOWN = 10_000;

export function define(command: Command, host: CommandHost): void {
  const { context } = host;
  const sub = (name: string) => clusterFlags(subcommand(command, host, name));
  command.description(
    "What was removed and can be restored: files and whole trees, until their time is over. Files that were replaced are not among them.",
  );
  sub("ls")
    .description("List what can be restored, by the paths it had.")
    .argument("[path]", "only what was removed at or below this path")
    .option("-b, --bytes", "exact sizes")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn trash ls\n  cairn trash ls /photos\n  cairn trash ls --json | jq -r .trashId",
    )
    .action(async (path: string | undefined, flags: LsFlags) => {
      const below = parseClusterPath(path ?? "/");
      await withCluster(context, flags, (session) => list(session, below, flags));
    });
  sub("restore")
    .description(
      "Bring files and trees back, by their ids or by the paths they had: then the newest of each path.",
    )
    .argument("<items...>", "ids, or paths in the cluster")
    .option("--to <path>", "to this path instead of where it was; for one item")
    .option("--replace", "replace a file that is there now")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn trash restore /photos/a.jpg\n  cairn trash restore 68132 --to /photos/old.jpg",
    )
    .action(async (items: readonly string[], flags: RestoreFlags) => {
      if (flags.to !== undefined && items.length > 1) {
        throw new CommandFailure("usage", "--to is for one item", "restore them one by one");
      }
      await withCluster(context, flags, (session) => restore(session, items, flags));
    });
  sub("empty")
    .description("Let go of what is in the trash for good; its space is reclaimed.")
    .argument("[items...]", "ids, or paths: what was removed at or below them; all unless given")
    .option(
      "--older-than <age>",
      "only what was removed so long ago, like 12h",
      parseDurationOption,
    )
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn trash empty /photos --older-than 1d\n  cairn trash empty 68132\n  cairn trash empty -y",
    )
    .action(async (items: readonly string[], flags: EmptyFlags) => {
      await withCluster(context, flags, (session) => empty(session, items, flags));
    });
  sub("keep")
    .description(
      "Say how long what is removed from a directory, and from those below it, stays in the trash. What is there already keeps its time.",
    )
    .argument("<directory>", "a directory in the cluster")
    .argument("<period>", "like 30d; 0: nothing goes there; inherit: as the directory above says")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn trash keep /scratch 0\n  cairn trash keep /photos 30d\n  cairn trash keep /photos inherit",
    )
    .action(async (directory: string, period: string, flags: ClusterFlags) => {
      const trashMs = period === "inherit" ? undefined : parseDuration(period);
      if (trashMs === undefined && period !== "inherit") {
        throw new CommandFailure("usage", `${period} is no period`, "write 30d, 12h, 0 or inherit");
      }
      const path = parseClusterPath(directory);
      await withCluster(context, flags, (session) => keep(session, path, trashMs));
    });
  command.addHelpText(
    "after",
    `
Examples:
  cairn trash ls /photos
  cairn trash restore /photos/a.jpg               the newest that was removed from there
  cairn trash restore 68132 --to /photos/old.jpg  one of several, elsewhere
  cairn trash empty /photos --older-than 1d
  cairn trash empty -y                            all of it
  cairn trash keep /scratch 0                     nothing removed there goes to the trash`,
  );
}

async function list(session: Session, path: string, flags: LsFlags): Promise<void> {
  const { client, output, signal, context } = session;
  const isExact = flags.bytes === true;
  let rows: string[][] = [];
  let count = 0;
  for await (const item of client.trash.list({ path, signal })) {
    count += 1;
    if (output.isJson) await output.json(item);
    else rows.push(rowOf(item));
    if (rows.length === ROWS_SHOWN) await show();
  }
  if (rows.length > 0) await show();
  if (count === 0) {
    output.remark(
      path === "/" ? "the trash is empty" : "nothing in the trash was removed from there",
    );
  }

  async function show(): Promise<void> {
    await output.table(
      [
        { title: "Id", align: "right" },
        { title: "Size", align: "right" },
        { title: "Files", align: "right" },
        { title: "Removed" },
        { title: "Goes" },
        { title: "Path" },
      ],
      rows,
    );
    rows = [];
  }

  function rowOf({ trashId, entry, size, removedMs, dueMs, path }: TrashItem): string[] {
    const nowMs = context.clock.now();
    const suffix = entry.kind === "directory" ? "/" : "";
    return [
      String(trashId),
      size === undefined ? "?" : shownSize(size.logicalBytes, isExact),
      size === undefined ? "?" : humanCount(size.files),
      humanAgo(nowMs - removedMs),
      humanIn(dueMs - nowMs),
      output.name(showClusterPath(path) + suffix),
    ];
  }
}

async function restore(
  { client, output, signal }: Session,
  items: readonly string[],
  { to, replace }: RestoreFlags,
): Promise<void> {
  const target = to === undefined ? undefined : parseClusterPath(to);
  for (const item of items) {
    const chosen = idOf(item) ?? parseClusterPath(item);
    const entry = await client.trash.restore(chosen, { signal, to: target, replace });
    if (output.isJson) await output.json(entry);
    else await output.line(output.name(showClusterPath(entry.path)));
  }
}

async function empty(
  { client, output, signal, context }: Session,
  items: readonly string[],
  { olderThan: olderThanMs, yes }: EmptyFlags,
): Promise<void> {
  const trashIds = items.flatMap((item) => idOf(item) ?? []);
  const paths = items.length === 0 ? ["/"] : items.filter((item) => idOf(item) === undefined);
  if (trashIds.length > 0 && olderThanMs !== undefined) {
    throw new CommandFailure("usage", "--older-than is for paths: an id names one item");
  }
  const below = paths.map(parseClusterPath);
  const what = items.length === 0 ? "everything in the trash" : items.join(" ");
  const age = olderThanMs === undefined ? "" : ", as far as it is old enough,";
  await confirm(context, `let go of ${what}${age} for good?`, yes);

  const parts = below.map((path) => client.trash.empty({ path, olderThanMs, signal }));
  if (trashIds.length > 0) parts.push(client.trash.empty({ trashIds, signal }));
  let count = 0;
  let logicalBytes = 0;
  for (const { items: emptied, size } of await Promise.all(parts)) {
    count += emptied;
    logicalBytes += size.logicalBytes;
  }
  if (output.isJson) await output.json({ items: count, logicalBytes });
  else await output.line(`${counted(count, "item")} gone for good, ${humanSize(logicalBytes)}`);
}

/** Sets one field of the directory's policy; the others stay. */
async function keep(
  { client, output, signal }: Session,
  path: string,
  trashMs: number | undefined,
): Promise<void> {
  const { policy, version } = await client.stat(path, { signal });
  const entry = await client.setAttributes(path, {
    signal,
    policy: { ...policy, trashMs },
    precondition: { version },
  });
  if (output.isJson) await output.json(entry);
}

/** The id of an item; undefined for what is a path. */
function idOf(item: string): number | undefined {
  return /^\d{1,15}$/u.test(item) ? Number(item) : undefined;
}
