import type { Clock } from "@cairnfs/base/clock";
import type { BadCopy, ScrubReport } from "@cairnfs/protocol/gen/cairn/v1/scrub_pb";
import type { NodeTable } from "../nodes/node-table.ts";
import type { ScrubOrders } from "./scrub-orders.ts";

/** What a node said of its scrub, and when. */
export interface HeardReport {
  readonly report: ScrubReport;
  readonly atMs: number;
}

/** What the answer to a heartbeat says of scrubs. */
export interface ScrubNews {
  readonly wantsScrubReport: boolean;
  readonly scrubRequestedMs: bigint;
}

/** What all nodes that have spoken add up to. */
export interface ScrubSums {
  readonly silentNodes: number;
  readonly overdueChunks: number;
  readonly overdueBytes: number;
  /** 0 when there is no copy or nobody knows. */
  readonly oldestVerifiedMs: number;
  readonly badCopies: number;
  readonly quarantinedCopies: number;
  readonly quarantinedBytes: number;
  readonly scrubbingNodes: number;
  readonly slowNodes: number;
}

export interface ScrubBoardParts {
  readonly orders: ScrubOrders;
  readonly table: Pick<NodeTable, "rows" | "get">;
  readonly clock: Clock;
}

/** More than a node sends. */
const LATEST_BAD_COPIES_MAX = 8;

/** What nodes last said of their scrubs: in memory alone, since who is asked says it again. */
export class ScrubBoard {
  readonly #parts: ScrubBoardParts;
  readonly #heard = new Map<number, HeardReport>();

  constructor(parts: ScrubBoardParts) {
    this.#parts = parts;
  }

  /** Takes in what a heartbeat says; undefined when there is nothing to tell the node. */
  hear(nodeNumber: number, report: ScrubReport | undefined): ScrubNews | undefined {
    if (report !== undefined) this.#note(nodeNumber, report);
    const known = this.#heard.get(nodeNumber)?.report;
    const requestedMs = BigInt(this.#parts.orders.of(nodeNumber));
    const isNews = requestedMs > (known?.requestedMs ?? 0n);
    if (known !== undefined && !isNews) return undefined;
    return { wantsScrubReport: known === undefined, scrubRequestedMs: isNews ? requestedMs : 0n };
  }

  of(nodeNumber: number): HeardReport | undefined {
    return this.#heard.get(nodeNumber);
  }

  sums(): ScrubSums {
    const sums = {
      silentNodes: 0,
      overdueChunks: 0,
      overdueBytes: 0,
      oldestVerifiedMs: 0,
      badCopies: 0,
      quarantinedCopies: 0,
      quarantinedBytes: 0,
      scrubbingNodes: 0,
      slowNodes: 0,
    };
    for (const { nodeNumber } of this.#parts.table.rows()) {
      const report = this.#heard.get(nodeNumber)?.report;
      if (report === undefined) {
        sums.silentNodes += 1;
        continue;
      }
      sums.overdueChunks += Number(report.overdueChunks);
      sums.overdueBytes += Number(report.overdueBytes);
      sums.badCopies += Number(report.badCopies);
      sums.quarantinedCopies += Number(report.quarantinedCopies);
      sums.quarantinedBytes += Number(report.quarantinedBytes);
      sums.scrubbingNodes += report.passStartedMs !== 0n && report.passEndedMs === 0n ? 1 : 0;
      sums.slowNodes += report.isTooSlow ? 1 : 0;
      const oldestMs = Number(report.oldestVerifiedMs);
      if (oldestMs === 0) continue;
      const before = sums.oldestVerifiedMs;
      sums.oldestVerifiedMs = before === 0 ? oldestMs : Math.min(before, oldestMs);
    }
    return sums;
  }

  #note(nodeNumber: number, report: ScrubReport): void {
    const latest = report.latestBadCopies.slice(-LATEST_BAD_COPIES_MAX).map(kept);
    const heard = { report: { ...report, latestBadCopies: latest }, atMs: this.#parts.clock.now() };
    if (!this.#heard.has(nodeNumber)) this.#forgetRemoved();
    this.#heard.set(nodeNumber, heard);
  }

  /** Those that are members no more: when another is new, or they would gather. */
  #forgetRemoved(): void {
    for (const nodeNumber of this.#heard.keys()) {
      if (this.#parts.table.get(nodeNumber) === undefined) this.#heard.delete(nodeNumber);
    }
  }
}

/** The id lies in memory that belongs to the connection. */
function kept(copy: BadCopy): BadCopy {
  return { ...copy, chunkId: Uint8Array.from(copy.chunkId) };
}
