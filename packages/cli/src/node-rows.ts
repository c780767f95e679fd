import { styleText } from "node:util";
import type { NodeDrain } from "@cairnfs/client/members";
import type { NodeInfo } from "@cairnfs/client/node-table";
import { humanAgo, humanCount, shownSize } from "./format.ts";
import type { Output } from "./output.ts";
import type { Column } from "./table.ts";

/** How full it is, in percent of its capacity. */
export function usedShare({ usedBytes, capacityBytes }: NodeInfo): string {
  return capacityBytes === 0 ? "" : `${Math.round((usedBytes / capacityBytes) * 100)}%`;
}

export const NODE_COLUMNS: readonly Column[] = [
  { title: "Node", align: "right" },
  { title: "State" },
  { title: "Health" },
  { title: "Address" },
  { title: "Used", align: "right" },
  { title: "Available", align: "right" },
  { title: "Chunks", align: "right" },
  { title: "Heard" },
  { title: "Zone" },
  { title: "Rack" },
];

/** A node as a row of NODE_COLUMNS. */
export function nodeRow(
  node: NodeInfo,
  {
    output,
    nowMs,
    isExact,
    drain,
  }: {
    readonly output: Output;
    readonly nowMs: number;
    readonly isExact: boolean;
    /** Of a node that is to be emptied: how far it is. */
    readonly drain?: NodeDrain | undefined;
  },
): string[] {
  return [
    String(node.nodeNumber),
    stateText(node, output) + leftText(drain, isExact),
    node.health,
    node.address,
    shownSize(node.usedBytes, isExact),
    shownSize(node.availableBytes, isExact),
    humanCount(node.chunkCount),
    node.lastHeardMs === 0 ? "never" : humanAgo(nowMs - node.lastHeardMs),
    node.zone,
    node.rack,
  ];
}

/** What is left on a node that is draining. */
function leftText(drain: NodeDrain | undefined, isExact: boolean): string {
  if (drain?.state !== "draining") return "";
  return `, ${drain.isCounted ? "" : "about "}${shownSize(drain.leftBytes, isExact)} left`;
}

function stateText({ state }: NodeInfo, output: Output): string {
  if (!output.isTerminal) return state;
  if (state === "healthy") return styleText("green", state);
  return styleText(state === "dead" ? "red" : "yellow", state);
}
