import { toHex } from "@cairnfs/base/hex";
import type { GetScrubResponse, ScrubReport } from "@cairnfs/protocol/gen/cairn/v1/scrub_pb";
import type { CallerOptions } from "./client-options.ts";
import type { CoordinatorCalls } from "./coordinator-calls.ts";
import { count, countUnlessZero } from "./entry.ts";

/** What a node says of the reading of its copies. */
export interface NodeScrubReport {
  /** Within which each copy is to be read; 0 when only scrubs that were asked for take place. */
  readonly periodMs: number;
  readonly budgetBytesPerSecond: number;
  /** The budget is too small to read all within the period. */
  readonly isTooSlow: boolean;
  /** A pass over all copies is under way. */
  readonly isRunning: boolean;
  /** Of the pass that is under way, or of the last one; `undefined` before the first. */
  readonly passStartedMs: number | undefined;
  readonly passEndedMs: number | undefined;
  readonly doneChunks: number;
  readonly doneBytes: number;
  readonly totalChunks: number;
  readonly totalBytes: number;
  /** 0 when nobody knows yet. */
  readonly bytesPerSecond: number;
  /** How long the rest of the pass takes at this rate; `undefined` when nobody knows. */
  readonly leftMs: number | undefined;
  /** Copies that the node could not read and knows nothing of; they are tried again. */
  readonly unreadableChunks: number;
  /** `undefined` while a pass is under way, or when there is no period. */
  readonly nextPassMs: number | undefined;
  /** Copies that were not verified within the period. */
  readonly overdueChunks: number;
  readonly overdueBytes: number;
  /** No copy was verified, or stored, before; `undefined` when nobody knows. */
  readonly oldestVerifiedMs: number | undefined;
  /** Bad copies found since the node's data folder was made. */
  readonly badCopies: number;
  /** The last few of them, oldest first. */
  readonly latestBadCopies: readonly { readonly chunkId: string; readonly foundMs: number }[];
  readonly quarantinedCopies: number;
  readonly quarantinedBytes: number;
}

/** How the scrub of one node is. */
export interface NodeScrub {
  readonly nodeNumber: number;
  /** When a scrub of the node was asked for last; `undefined` when none was. */
  readonly requestedMs: number | undefined;
  /** Whether the node has read all that it had been asked to, and what it holds was compared with what is recorded. */
  readonly isRequestDone: boolean;
  /** `undefined` when the node has said nothing since the coordinator started. */
  readonly report: NodeScrubReport | undefined;
  readonly reportedMs: number | undefined;
  /** Copies that were recorded and that the node did not hold when the two were last compared. */
  readonly missingCopies: number;
}

/** What all nodes add up to that have said something. */
export interface ScrubTotals {
  readonly silentNodes: number;
  readonly scrubbingNodes: number;
  /** Nodes whose budget is too small to read all within the period. */
  readonly slowNodes: number;
  readonly overdueChunks: number;
  readonly overdueBytes: number;
  readonly oldestVerifiedMs: number | undefined;
  readonly badCopies: number;
  readonly quarantinedCopies: number;
  readonly quarantinedBytes: number;
}

export interface ScrubStatus {
  readonly nodes: readonly NodeScrub[];
  readonly totals: ScrubTotals;
}

export interface ScrubOptions extends CallerOptions {
  /** Only these; all unless given. `nodeNotFound` for a number that is no member's. */
  readonly nodeNumbers?: readonly number[] | undefined;
}

/** The reading of all copies, by which bad ones are found before somebody needs them. */
export class Scrubs {
  readonly #calls: CoordinatorCalls;

  constructor(calls: CoordinatorCalls) {
    this.#calls = calls;
  }

  /**
   * Has nodes read every copy that they last verified before now. Resolves when that is noted: a node hears of it within seconds, one
   * that is away when it is back.
   */
  async start({ signal, nodeNumbers = [] }: ScrubOptions = {}): Promise<{
    readonly requestedMs: number;
    readonly nodeNumbers: readonly number[];
  }> {
    const reply = await this.#calls.ask(signal, (client, options) =>
      client.scrubs.startScrub({ nodeNumbers: [...nodeNumbers] }, options),
    );
    return { requestedMs: count(reply.requestedMs), nodeNumbers: reply.nodeNumbers };
  }

  async status({ signal, nodeNumbers = [] }: ScrubOptions = {}): Promise<ScrubStatus> {
    const reply = await this.#calls.ask(signal, (client, options) =>
      client.scrubs.getScrub({ nodeNumbers: [...nodeNumbers] }, options),
    );
    return statusFromWire(reply);
  }
}

function statusFromWire({ nodes, totals }: GetScrubResponse): ScrubStatus {
  return {
    nodes: nodes.map(
      ({ nodeNumber, requestedMs, report, reportedMs, comparedMs, missingCopies }) => ({
        nodeNumber,
        requestedMs: countUnlessZero(requestedMs),
        isRequestDone:
          requestedMs !== 0n &&
          comparedMs >= requestedMs &&
          (report?.requestedMs ?? 0n) >= requestedMs &&
          report?.requestedDoneMs !== 0n,
        report: report === undefined ? undefined : reportFromWire(report),
        reportedMs: countUnlessZero(reportedMs),
        missingCopies: count(missingCopies),
      }),
    ),
    totals: {
      silentNodes: totals?.silentNodes ?? 0,
      scrubbingNodes: totals?.scrubbingNodes ?? 0,
      slowNodes: totals?.slowNodes ?? 0,
      overdueChunks: count(totals?.overdueChunks ?? 0n),
      overdueBytes: count(totals?.overdueBytes ?? 0n),
      oldestVerifiedMs: countUnlessZero(totals?.oldestVerifiedMs),
      badCopies: count(totals?.badCopies ?? 0n),
      quarantinedCopies: count(totals?.quarantinedCopies ?? 0n),
      quarantinedBytes: count(totals?.quarantinedBytes ?? 0n),
    },
  };
}

function reportFromWire(report: ScrubReport): NodeScrubReport {
  const isRunning = report.passStartedMs !== 0n && report.passEndedMs === 0n;
  const bytesPerSecond = count(report.bytesPerSecond);
  const leftBytes = count(report.totalBytes) - count(report.doneBytes);
  return {
    periodMs: count(report.periodMs),
    budgetBytesPerSecond: count(report.budgetBytesPerSecond),
    isTooSlow: report.isTooSlow,
    isRunning,
    passStartedMs: countUnlessZero(report.passStartedMs),
    passEndedMs: countUnlessZero(report.passEndedMs),
    doneChunks: count(report.doneChunks),
    doneBytes: count(report.doneBytes),
    totalChunks: count(report.totalChunks),
    totalBytes: count(report.totalBytes),
    bytesPerSecond,
    leftMs:
      isRunning && bytesPerSecond > 0
        ? Math.round((Math.max(0, leftBytes) / bytesPerSecond) * 1000)
        : undefined,
    unreadableChunks: count(report.unreadableChunks),
    nextPassMs: countUnlessZero(report.nextPassMs),
    overdueChunks: count(report.overdueChunks),
    overdueBytes: count(report.overdueBytes),
    oldestVerifiedMs: countUnlessZero(report.oldestVerifiedMs),
    badCopies: count(report.badCopies),
    latestBadCopies: report.latestBadCopies.map(({ chunkId, foundMs }) => ({
      chunkId: toHex(chunkId),
      foundMs: count(foundMs),
    })),
    quarantinedCopies: count(report.quarantinedCopies),
    quarantinedBytes: count(report.quarantinedBytes),
  };
}
