import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { shownSize } from "../format.ts";
import { usedShare } from "../node-rows.ts";
import { RECLAIMABLE_COLUMNS, reclaimableRows } from "../reclaimable-rows.ts";

interface DfFlags extends ClusterFlags {
  readonly bytes?: boolean;
}

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Show how full the nodes are, what the cluster can still take, and what will be free when.",
    )
    .option("-b, --bytes", "exact sizes");
  clusterFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  cairn df\n  cairn df --json | jq .availableBytes\n  cairn df --json | jq .reclaimable.trash.diskBytes",
    )
    .action(async (flags: DfFlags) => {
      await withCluster(context, flags, async ({ client, output, signal }) => {
        const state = await client.clusterState({ signal });
        const reclaimable = await client.trash.reclaimable({ signal });
        const { quarantinedCopies, quarantinedBytes } = (await client.scrubs.status({ signal }))
          .totals;
        const quarantine = { quarantinedCopies, quarantinedBytes };
        const nodes = [...state.nodes].sort((one, other) => one.nodeNumber - other.nodeNumber);
        const sum = (read: (node: (typeof nodes)[number]) => number) =>
          nodes.reduce((total, node) => total + read(node), 0);
        const total = {
          capacityBytes: sum((node) => node.capacityBytes),
          usedBytes: sum((node) => node.usedBytes),
          availableBytes: sum((node) => node.availableBytes),
        };
        const copies = state.defaultReplicationFactor;
        if (output.isJson) {
          await output.json({
            ...total,
            defaultReplicationFactor: copies,
            nodes,
            reclaimable: { ...reclaimable, ...quarantine },
          });
          return;
        }
        const size = (sizeBytes: number) => shownSize(sizeBytes, flags.bytes === true);
        const share =
          total.capacityBytes === 0
            ? ""
            : `${Math.round((total.usedBytes / total.capacityBytes) * 100)}%`;
        await output.table(
          [
            { title: "Node", align: "right" },
            { title: "Address" },
            { title: "Capacity", align: "right" },
            { title: "Used", align: "right" },
            { title: "Available", align: "right" },
            { title: "Use", align: "right" },
          ],
          [
            ...nodes.map((node) => [
              String(node.nodeNumber),
              node.address,
              size(node.capacityBytes),
              size(node.usedBytes),
              size(node.availableBytes),
              usedShare(node),
            ]),
            [
              "all",
              "",
              size(total.capacityBytes),
              size(total.usedBytes),
              size(total.availableBytes),
              share,
            ],
          ],
        );
        const rows = reclaimableRows(reclaimable, quarantine, context.clock.now(), size);
        if (rows.length > 0) {
          await output.line("");
          await output.table(RECLAIMABLE_COLUMNS, rows);
        }
        if (copies > 1) {
          await output.line(
            `\nWith ${copies} copies of everything that is room for ${size(Math.floor(total.availableBytes / copies))}.`,
          );
        }
      });
    });
}
