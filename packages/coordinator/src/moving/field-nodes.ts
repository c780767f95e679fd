import type { NodeManager } from "../nodes/node-manager.ts";
import { type NodeRow, stateOf } from "../nodes/node-table.ts";
import type { FieldNode } from "./move-field.ts";

/** The members as the planning of moves sees them; `emptied` are taken for nodes that are to be emptied, whatever they are. */
export function fieldNodes(
  nodes: Pick<NodeManager, "table" | "lastReportOf">,
  emptied: ReadonlySet<number> = new Set(),
): FieldNode[] {
  return [...nodes.table.rows()].map((row) => {
    const { nodeNumber, zone, rack } = row;
    const { usage } = nodes.lastReportOf(nodeNumber);
    const isEmptied = emptied.has(nodeNumber);
    return {
      nodeNumber,
      zone,
      rack,
      isLive: row.liveness !== "dead",
      isLeaving: row.duty !== "inService" || isEmptied,
      isWell: isWell(row),
      canTake: isWell(row) && row.health === "ok" && !isEmptied,
      capacityBytes: usage.capacityBytes,
      availableBytes: usage.availableBytes,
    };
  });
}

function isWell(row: NodeRow): boolean {
  return stateOf(row) === "healthy" && row.health !== "failed";
}

/** All that decides where copies belong, but for how full the nodes are: equal texts mean that nothing of it has changed. */
export function topologyOf(rows: Iterable<NodeRow>): string {
  return JSON.stringify(
    [...rows].map((row) => [
      row.nodeNumber,
      stateOf(row),
      row.liveness === "dead",
      row.health,
      row.zone,
      row.rack,
      row.usage.capacityBytes,
    ]),
  );
}

/** By how much each node's share of used capacity differs from the mean, as nodes reported. */
export function reportedDeviations(rows: Iterable<NodeRow>): ReadonlyMap<number, number> {
  const measured = [...rows].filter((row) => row.usage.capacityBytes > 0);
  const capacityBytes = measured.reduce((sum, row) => sum + row.usage.capacityBytes, 0);
  const usedBytes = measured.reduce((sum, row) => sum + row.usage.usedBytes, 0);
  const mean = capacityBytes === 0 ? 0 : usedBytes / capacityBytes;
  return new Map(
    measured.map((row) => [row.nodeNumber, row.usage.usedBytes / row.usage.capacityBytes - mean]),
  );
}
