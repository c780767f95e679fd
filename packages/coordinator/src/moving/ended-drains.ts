import type { NodeRow } from "../nodes/node-table.ts";
import type { PlacementTimes } from "../nodes/placement-times.ts";
import { PLACEMENT_USABLE_MS } from "../uploads/placements.ts";
import type { Circle } from "./circle.ts";

/** What a whole walk says of the nodes that are draining. */
export interface EndedDrains {
  /** No record names them, and none will. */
  readonly ended: readonly number[];
  /** Others are not there yet. */
  readonly hasLeft: boolean;
  /** How long those that no record names have to wait for clients with old placements. */
  readonly settlesInMs: number;
}

/** Which drains a circle has ended: those of nodes that it met in no record, where no client could store any more when it began. */
export function endedDrains(
  rows: Iterable<NodeRow>,
  circle: Pick<Circle, "draining" | "census" | "settling">,
  times: PlacementTimes,
): EndedDrains {
  const ended: number[] = [];
  let hasLeft = false;
  let settlesInMs = 0;
  for (const { nodeNumber, duty } of rows) {
    if (duty !== "draining") continue;
    if (!circle.draining.has(nodeNumber) || circle.census.leavingOf(nodeNumber).chunks > 0) {
      hasLeft = true;
    } else if (circle.settling.has(nodeNumber)) {
      hasLeft = true;
      settlesInMs = Math.max(settlesInMs, times.leftMs(nodeNumber, PLACEMENT_USABLE_MS) + 1);
    } else {
      ended.push(nodeNumber);
    }
  }
  return { ended, hasLeft, settlesInMs };
}
