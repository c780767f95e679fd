import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import { type CommandHost, subcommand } from "../command.ts";
import { counted } from "../format.ts";
import { parseCount } from "../parse-option.ts";
import { showScrub, troublesOf } from "../scrub/show-scrub.ts";
import { waitForScrub } from "../scrub/wait-for-scrub.ts";

interface StartFlags extends ClusterFlags {
  readonly node?: readonly number[];
  readonly wait?: boolean;
}

interface StatusFlags extends ClusterFlags {
  readonly node?: readonly number[];
  readonly bytes?: boolean;
  readonly check?: boolean;
}

const NODE_NUMBER_MAX = 2 ** 32 - 1;

export function define(command: Command, host: CommandHost): void {
  command
    .description(
      "The reading of all copies, by which those that rot on the disks are found and replaced before somebody needs them. Nodes do it by themselves within their scrub period.",
    )
    .addHelpText("after", "\nExamples:\n  cairn scrub status\n  cairn scrub start --wait");
  defineStart(command, host);
  defineStatus(command, host);
}

function defineStart(parent: Command, host: CommandHost): void {
  withNodes(clusterFlags(subcommand(parent, host, "start")))
    .description(
      "Have nodes read every copy that they last verified before now, and compare what they hold with what is recorded. A node that is away does it when it is back.",
    )
    .option("-w, --wait", "show progress, and end when all that are there are through")
    .addHelpText(
      "after",
      "\nWith --wait it exits with 11 when bad or missing copies were found, or a node is away.\n\nExamples:\n  cairn scrub start\n  cairn scrub start --node 3 --node 4 --wait",
    )
    .action(async (flags: StartFlags) => {
      await withCluster(host.context, flags, async (session) => {
        const { client, output, signal } = session;
        const before = await client.scrubs.status({ nodeNumbers: flags.node, signal });
        const started = await client.scrubs.start({ nodeNumbers: flags.node, signal });
        if (flags.wait === true) {
          const isWell = await waitForScrub(session, started, before);
          if (!isWell) host.finishWith("unhealthy");
          return;
        }
        if (output.isJson) {
          await output.json(started);
          return;
        }
        await output.line(`${counted(started.nodeNumbers.length, "node")} will read all copies`);
        output.remark("`cairn scrub status` shows how far they are");
      });
    });
}

function defineStatus(parent: Command, host: CommandHost): void {
  withNodes(clusterFlags(subcommand(parent, host, "status")))
    .description(
      "Show which copies were not read for too long, how far the nodes are, and what was found bad.",
    )
    .option("-b, --bytes", "exact sizes")
    .option("--check", "exit with 11 unless all copies were read within the period")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn scrub status\n  cairn scrub status --json | jq '.nodes[].report.latestBadCopies'\n  cairn scrub status --check || alert",
    )
    .action(async (flags: StatusFlags) => {
      await withCluster(host.context, flags, async (session) => {
        const { client, output, signal } = session;
        const status = await client.scrubs.status({ nodeNumbers: flags.node, signal });
        const troubles = troublesOf(status);
        if (output.isJson) await output.json({ ...status, troubles });
        else await showScrub(session, status, { troubles, isExact: flags.bytes === true });
        if (flags.check === true && troubles.length > 0) host.finishWith("unhealthy");
      });
    });
}

/** `--node` may be given again and again. */
function withNodes(command: Command): Command {
  const parse = parseCount(1, NODE_NUMBER_MAX);
  return command.option(
    "-n, --node <number>",
    "only this node; may be given more than once",
    (text: string, before: readonly number[] | undefined) => [...(before ?? []), parse(text)],
  );
}
