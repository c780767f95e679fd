import { type Command, Option } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import { type CommandHost, subcommand } from "../command.ts";
import { foretell, percent, showPlan } from "../nodes/show-plan.ts";
import { moveRows, waitForQuiet } from "../nodes/wait-for-moves.ts";

interface RebalanceFlags extends ClusterFlags {
  readonly plan?: boolean;
  readonly wait?: boolean;
  readonly bytes?: boolean;
}

export function define(command: Command, host: CommandHost): void {
  const { context } = host;
  clusterFlags(
    command.description(
      "Move copies from fuller nodes to emptier ones, and into zones and racks that spread them more. Starts by itself when nodes come or go, unless the setting `rebalance` is off.",
    ),
  )
    .option("--plan", "only show what would be moved, and what it would take")
    .option("-w, --wait", "end when there is nothing left to move")
    .addOption(new Option("-b, --bytes", "exact sizes"))
    .addHelpText(
      "after",
      "\nExamples:\n  cairn rebalance --plan\n  cairn rebalance --wait\n  cairn rebalance status",
    )
    .action(async (flags: RebalanceFlags) => {
      await withCluster(context, flags, async (session) => {
        if (flags.plan === true) {
          const plan = await foretell(session, undefined);
          await showPlan(session, plan, { isExact: flags.bytes === true, what: "a rebalance" });
          return;
        }
        const { client, output, signal } = session;
        await client.members.rebalance({ signal });
        if (flags.wait !== true) {
          if (output.isJson) await output.json({ isStarted: true });
          else await output.line("copies move now, if any node is too full or too empty");
          output.remark("`cairn rebalance status` shows how far it is");
          return;
        }
        const state = await waitForQuiet(session);
        if (output.isJson) await output.json(state);
        else {
          await output.line(
            `nothing is left to move: the fullest node is ${percent(state.fullestAbove)} above the mean, the emptiest ${percent(state.emptiestBelow)} below`,
          );
        }
      });
    });
  clusterFlags(subcommand(command, host, "status").description("Show what is moved now, and why."))
    .addHelpText("after", "\nExamples:\n  cairn rebalance status\n  cairn rebalance status --json")
    .action(async (_: ClusterFlags, status: Command) => {
      // The command above takes the same flags, and whichever of the two came to see them first has them.
      const flags = status.optsWithGlobals<ClusterFlags>();
      await withCluster(context, flags, async ({ client, output, signal }) => {
        const state = await client.members.moves({ signal });
        if (output.isJson) await output.json(state);
        else {
          await output.table([{ title: "" }, { title: "" }], moveRows(state, context.clock.now()));
        }
      });
    });
}
