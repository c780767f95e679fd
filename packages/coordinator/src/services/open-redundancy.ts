import type { Clock } from "@cairnfs/base/clock";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { HeldCopies } from "../healing/held-copies.ts";
import type { NodeCalls } from "../healing/node-calls.ts";
import type { Healing } from "../healing/open-healing.ts";
import type { MoveProgress } from "../moving/move-progress.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import type { ClusterPlacements } from "../nodes/cluster-placements.ts";
import type { NodeTable } from "../nodes/node-table.ts";
import type { ScrubBoard } from "../scrub/scrub-board.ts";
import { type RedundancyHandlers, redundancyHandlers } from "./redundancy-handlers.ts";

export interface RedundancyServiceParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly table: NodeTable;
  readonly placements: ClusterPlacements;
  readonly calls: NodeCalls;
  readonly healing: Healing;
  readonly moves: Pick<MoveProgress, "misplaced" | "asOfMs">;
  readonly scrub: Pick<ScrubBoard, "sums">;
  readonly repairBytesPerSecond: number;
}

const NOBODY: ReadonlySet<number> = new Set();

/** Wires what answers questions about redundancy to the parts that know. */
export function openRedundancy(parts: RedundancyServiceParts): RedundancyHandlers {
  const { kv, clock, table, placements, calls, healing, moves, scrub } = parts;
  const { ledger, repair, absences, findings, plan } = healing;
  return redundancyHandlers({
    kv,
    clock,
    ledger,
    repair,
    repairBytesPerSecond: parts.repairBytesPerSecond,
    totals: {
      misplaced: () =>
        moves.asOfMs === 0 ? undefined : { ...moves.misplaced, asOfMs: moves.asOfMs },
      verification: () => {
        const { overdueChunks, silentNodes, ...sums } = scrub.sums();
        if (silentNodes === table.size) return undefined;
        return { ...sums, overdueCopies: overdueChunks, silentNodes };
      },
    },
    explain: {
      table,
      isLive: (nodeNumber) => placements.isLive(nodeNumber),
      deadSinceMs: (nodeNumber) => absences.sinceMs(nodeNumber),
      findings,
      held: new HeldCopies(calls),
      plan,
      repair,
      hasRoom: (id, record) =>
        placements.placeCopy({
          seed: chunkIdToBytes(id),
          chunkSizeBytes: record.lengthBytes,
          holders: record.nodeNumbers,
          excluded: NOBODY,
        }) !== undefined,
      nowMs: () => nowMsOf(clock),
    },
  });
}
