import { CairnError } from "@cairnfs/base/errors";
import type { ScrubService } from "@cairnfs/protocol/gen/cairn/v1/scrub_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import type { InventoryWorker } from "../gc/inventory-worker.ts";
import type { NodeTable } from "../nodes/node-table.ts";
import type { ScrubBoard } from "../scrub/scrub-board.ts";
import type { ScrubOrders } from "../scrub/scrub-orders.ts";

export interface ScrubParts {
  readonly orders: ScrubOrders;
  readonly board: ScrubBoard;
  readonly table: Pick<NodeTable, "rows" | "get">;
  readonly inventories: Pick<InventoryWorker, "compareSoon" | "lastOf">;
  /** Hears that nodes are to be compared soon. */
  readonly onAsked: () => void;
}

export type ScrubHandlers = ServiceHandlers<typeof ScrubService>;

/** Answers what is asked of scrubs. */
export function scrubHandlers(parts: ScrubParts): ScrubHandlers {
  const { orders, board, table, inventories } = parts;
  const membersAmong = (named: readonly number[]) => {
    if (named.length === 0) return [...table.rows()].map((row) => row.nodeNumber);
    for (const nodeNumber of named) {
      if (table.get(nodeNumber) === undefined) {
        throw new CairnError("nodeNotFound", `no node has number ${nodeNumber}`, {
          details: { nodeNumber },
        });
      }
    }
    return [...new Set(named)];
  };
  return {
    async startScrub({ nodeNumbers: named }, call) {
      const nodeNumbers = membersAmong(named);
      const requestedMs = await orders.ask(named.length === 0 ? [] : nodeNumbers, call.signal);
      inventories.compareSoon(nodeNumbers, requestedMs);
      parts.onAsked();
      return { requestedMs: BigInt(requestedMs), nodeNumbers };
    },

    async getScrub({ nodeNumbers: named }) {
      const nodes = membersAmong(named).map((nodeNumber) => {
        const heard = board.of(nodeNumber);
        const compared = inventories.lastOf(nodeNumber);
        return {
          nodeNumber,
          requestedMs: BigInt(orders.of(nodeNumber)),
          report: heard?.report,
          reportedMs: BigInt(Math.floor(heard?.atMs ?? 0)),
          comparedMs: BigInt(compared?.startedMs ?? 0),
          missingCopies: BigInt(compared?.missingCopies ?? 0),
        };
      });
      const sums = board.sums();
      const totals = {
        ...sums,
        overdueChunks: BigInt(sums.overdueChunks),
        overdueBytes: BigInt(sums.overdueBytes),
        oldestVerifiedMs: BigInt(sums.oldestVerifiedMs),
        badCopies: BigInt(sums.badCopies),
        quarantinedCopies: BigInt(sums.quarantinedCopies),
        quarantinedBytes: BigInt(sums.quarantinedBytes),
      };
      return { nodes, totals };
    },
  };
}
