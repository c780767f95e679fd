import type { CommandModule } from "./command.ts";

interface CommandRow {
  readonly name: string;
  readonly group: string;
  readonly summary: string;
  /** Modules are loaded when their command runs: `cairn ls` does not wait for a server's parts. */
  load(): Promise<CommandModule>;
}

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandRow[] = [
  row(
    "Run a cluster",
    "dev",
    "run a whole cluster in this process, to try things out",
    () => import("./commands/dev.ts"),
  ),
  row(
    "Run a cluster",
    "cluster",
    "run a cluster of real processes on this machine",
    () => import("./commands/cluster.ts"),
  ),
  row(
    "Run a cluster",
    "coordinator",
    "run a coordinator: the names and the chunk map",
    () => import("./commands/coordinator.ts"),
  ),
  row(
    "Run a cluster",
    "datanode",
    "run a datanode: the chunks of one disk",
    () => import("./commands/datanode.ts"),
  ),
  row(
    "Run a cluster",
    "gateway",
    "run a gateway: the door for S3 clients",
    () => import("./commands/gateway.ts"),
  ),

  row(
    "Files",
    "put",
    "copy local files, folders or stdin into the cluster",
    () => import("./commands/put.ts"),
  ),
  row(
    "Files",
    "get",
    "copy files or directories out of the cluster",
    () => import("./commands/get.ts"),
  ),
  row("Files", "ls", "list a directory", () => import("./commands/ls.ts")),
  row("Files", "cat", "write files to stdout", () => import("./commands/cat.ts")),
  row(
    "Files",
    "cp",
    "copy between here and the cluster, or within it",
    () => import("./commands/cp.ts"),
  ),
  row("Files", "mv", "move or rename within the cluster", () => import("./commands/mv.ts")),
  row("Files", "rm", "remove files and directories", () => import("./commands/rm.ts")),
  row(
    "Files",
    "trash",
    "list, restore and let go of what was removed",
    () => import("./commands/trash.ts"),
  ),
  row("Files", "mkdir", "make directories", () => import("./commands/mkdir.ts")),
  row("Files", "stat", "show all that is known of a path", () => import("./commands/stat.ts")),
  row(
    "Files",
    "tree",
    "show a directory with all that is below it",
    () => import("./commands/tree.ts"),
  ),
  row("Files", "du", "add up the sizes below a directory", () => import("./commands/du.ts")),

  row(
    "The cluster",
    "status",
    "how the cluster is: nodes, space, redundancy",
    () => import("./commands/status.ts"),
  ),
  row(
    "The cluster",
    "explain",
    "where the copies of a file are, and what becomes of those that lack",
    () => import("./commands/explain.ts"),
  ),
  row("The cluster", "df", "how full the nodes are", () => import("./commands/df.ts")),
  row("The cluster", "node", "list, drain and remove nodes", () => import("./commands/node.ts")),
  row("The cluster", "user", "users and what they may do", () => import("./commands/user.ts")),
  row(
    "The cluster",
    "key",
    "access keys of users, for S3 clients",
    () => import("./commands/key.ts"),
  ),
  row(
    "The cluster",
    "rebalance",
    "move copies from fuller nodes to emptier ones",
    () => import("./commands/rebalance.ts"),
  ),
  row(
    "The cluster",
    "scrub",
    "have nodes read all their copies, and how far they are",
    () => import("./commands/scrub.ts"),
  ),
  row(
    "The cluster",
    "fsck",
    "check all records and what nodes hold, and mend",
    () => import("./commands/fsck.ts"),
  ),
  row(
    "The cluster",
    "ready",
    "ask a server whether it is ready",
    () => import("./commands/ready.ts"),
  ),
  row(
    "The cluster",
    "bench",
    "measure what the cluster does here",
    () => import("./commands/bench.ts"),
  ),

  row(
    "This command",
    "config",
    "save and show where the cluster is",
    () => import("./commands/config.ts"),
  ),
  row(
    "This command",
    "completion",
    "completion for bash, zsh or fish",
    () => import("./commands/completion.ts"),
  ),
];

function row(
  group: string,
  name: string,
  summary: string,
  load: () => Promise<CommandModule>,
): CommandRow {
  return { group, name, summary, load };
}
