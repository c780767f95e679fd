import { hasReason } from "@cairnfs/base/errors";
import type { NodeDrain } from "@cairnfs/client/members";
import { type Command, InvalidArgumentError } from "commander";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import { type CommandHost, subcommand } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { counted } from "../format.ts";
import { NODE_COLUMNS, nodeRow } from "../node-rows.ts";
import { foretell, showPlan } from "../nodes/show-plan.ts";
import { waitForDrain } from "../nodes/wait-for-moves.ts";

interface ListFlags extends ClusterFlags {
  readonly bytes?: boolean;
}

interface DrainFlags extends ClusterFlags {
  readonly plan?: boolean;
  readonly wait?: boolean;
  readonly force?: boolean;
  readonly bytes?: boolean;
}

interface RemoveFlags extends ClusterFlags {
  readonly force?: boolean;
  readonly acceptLost?: number;
}

const NAMED = "\nA node is named by its number, its address or the first digits of its id.";

export function define(command: Command, host: CommandHost): void {
  command
    .description("The nodes of the cluster: list them, take them out of service, remove them.")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn node ls\n  cairn node drain 3 --wait && cairn node remove 3",
    );
  defineList(command, host);
  defineDrain(command, host);
  defineUndrain(command, host);
  defineRemove(command, host);
}

function defineList(parent: Command, host: CommandHost): void {
  const { context } = host;
  clusterFlags(
    subcommand(parent, host, "ls").description("List the nodes, as the coordinator knows them."),
  )
    .option("-b, --bytes", "exact sizes")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn node ls\n  cairn node ls --json | jq -r 'select(.state != \"healthy\") | .address'",
    )
    .action(async (flags: ListFlags) => {
      await withCluster(context, flags, async (session) => {
        const { client, output, signal } = session;
        const nodes = [...(await client.clusterState({ signal })).nodes];
        nodes.sort((one, other) => one.nodeNumber - other.nodeNumber);
        const isLeaving = nodes.some(({ state }) => state === "draining" || state === "drained");
        const drains = isLeaving ? await drainsOf(session) : new Map<number, NodeDrain>();
        if (output.isJson) {
          await output.lines(
            nodes.map((node) => JSON.stringify({ ...node, drain: drains.get(node.nodeNumber) })),
          );
          return;
        }
        const nowMs = context.clock.now();
        const isExact = flags.bytes === true;
        await output.table(
          NODE_COLUMNS,
          nodes.map((node) =>
            nodeRow(node, { output, nowMs, isExact, drain: drains.get(node.nodeNumber) }),
          ),
        );
      });
    });
}

/** How far each node is that is to be emptied. */
async function drainsOf({ client, signal }: Session): Promise<ReadonlyMap<number, NodeDrain>> {
  try {
    const { drains } = await client.members.moves({ signal });
    return new Map(drains.map((drain) => [drain.nodeNumber, drain]));
  } catch (error) {
    // An older coordinator drains nothing.
    if (hasReason(error, "unimplemented")) return new Map();
    throw error;
  }
}

function defineDrain(parent: Command, host: CommandHost): void {
  clusterFlags(
    subcommand(parent, host, "drain")
      .description(
        "Have a node give all its copies to others; then it can be removed. Clients notice nothing.",
      )
      .argument("<node>", "number, address or id"),
  )
    .option("--plan", "only show what would be moved, and what it would take")
    .option("-w, --wait", "show progress, and end when the node is drained")
    .option("-f, --force", "start even if it cannot end as the nodes are now")
    .option("-b, --bytes", "exact sizes")
    .addHelpText(
      "after",
      `${NAMED}\n\nExamples:\n  cairn node drain 3 --plan\n  cairn node drain 3 --wait && cairn node remove 3\n  cairn node drain 10.0.0.7:7080`,
    )
    .action(async (node: string, flags: DrainFlags) => {
      await withCluster(host.context, flags, async (session) => {
        const isExact = flags.bytes === true;
        if (flags.plan === true) {
          const plan = await foretell(session, node);
          await showPlan(session, plan, { isExact, what: `draining node ${node}` });
          if (plan.blockedChunks > 0) host.finishWith("unhealthy");
          return;
        }
        const { client, output, signal } = session;
        const drained = await client.members.drain(node, { force: flags.force, signal });
        const { nodeNumber, state } = drained.node;
        if (flags.wait === true) {
          await waitForDrain(session, nodeNumber);
          return;
        }
        if (output.isJson) {
          await output.json(drained);
          return;
        }
        const amount = drained.plan === undefined ? "" : `, ${moved(drained.plan.chunks)}`;
        await output.line(`node ${nodeNumber} is ${state}${amount}`);
        output.remark("`cairn node ls` shows how far it is; `cairn node undrain` stops it");
      });
    });
}

function moved(chunks: number): string {
  return `${counted(chunks, "chunk")} to move`;
}

function defineUndrain(parent: Command, host: CommandHost): void {
  clusterFlags(
    subcommand(parent, host, "undrain")
      .description("Put a draining or drained node back in service.")
      .argument("<node>", "number, address or id"),
  )
    .addHelpText("after", `${NAMED}\n\nExamples:\n  cairn node undrain 3`)
    .action(async (name: string, flags: ClusterFlags) => {
      await withCluster(host.context, flags, async ({ client, output, signal }) => {
        const node = await client.members.undrain(name, { signal });
        if (output.isJson) await output.json(node);
        else await output.line(`node ${node.nodeNumber} is ${node.state}`);
      });
    });
}

function defineRemove(parent: Command, host: CommandHost): void {
  clusterFlags(
    subcommand(parent, host, "remove")
      .description("End the membership of a node that is drained, or dead and not needed.")
      .argument("<node>", "number, address or id"),
  )
    .option("-f, --force", "remove it in whatever state it is")
    .option(
      "--accept-lost <chunks>",
      "with --force: how many chunks may be lost with it",
      parseChunks,
    )
    .addHelpText(
      "after",
      `${NAMED}\n\nA removed node never comes back with its copies: with an empty data folder it joins as a new one.\n\nExamples:\n  cairn node remove 3\n  cairn node remove 3 --force --accept-lost 12`,
    )
    .action(async (name: string, flags: RemoveFlags) => {
      if (flags.acceptLost !== undefined && flags.force !== true) {
        throw new CommandFailure("usage", "--accept-lost goes with --force");
      }
      await withCluster(host.context, flags, async ({ client, output, signal }) => {
        const removed = await client.members.remove(name, {
          force: flags.force,
          acceptedLostChunks: flags.acceptLost,
          signal,
        });
        if (output.isJson) {
          await output.json(removed);
          return;
        }
        const { nodeNumber, namedChunks, lostChunks } = removed;
        const what =
          namedChunks === 0
            ? "no chunk had a copy there"
            : `${counted(namedChunks, "chunk")} had a copy there, ${counted(lostChunks, "chunk")} lost`;
        await output.line(`node ${nodeNumber} is removed: ${what}`);
        output.remark(
          "its process can be stopped; with an empty data folder it would join as a new node",
        );
      });
    });
}

function parseChunks(text: string): number {
  const chunks = Number(text);
  if (Number.isSafeInteger(chunks) && chunks >= 0) return chunks;
  throw new InvalidArgumentError("expected a number of chunks");
}
