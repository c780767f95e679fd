import { isDeepStrictEqual } from "node:util";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "@cairnfs/base/clock";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import type { ScrubReportSchema } from "@cairnfs/protocol/gen/cairn/v1/scrub_pb";
import type { StoreSpace } from "../store/chunk-store.ts";
import type { ScrubLog } from "./scrub-log.ts";
import type { ScrubWorker, ScrubWorkerOptions } from "./scrub-worker.ts";

export type ScrubReportInit = MessageInitShape<typeof ScrubReportSchema>;

export interface ScrubReporterParts {
  readonly log: ScrubLog;
  readonly worker: Pick<ScrubWorker, "progress">;
  readonly clock: Clock;
}

/** So often a pass that gets on is news. */
const PROGRESS_EVERY_MS = 10_000;
/** What is overdue is news when it has changed by this share. */
const OVERDUE_SHARE = 0.05;

/** Says how the scrub is when that is news: most heartbeats carry nothing of it. */
export class ScrubReporter {
  readonly #parts: ScrubReporterParts;
  readonly #options: ScrubWorkerOptions;
  #told: { readonly report: ScrubReportInit; readonly atMs: number } | undefined;
  #isWanted = true;

  constructor(parts: ScrubReporterParts, options: ScrubWorkerOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** The coordinator has none. */
  want(): void {
    this.#isWanted = true;
  }

  /** What the next heartbeat is to say; undefined when there is no news. */
  news(space: StoreSpace): ScrubReportInit | undefined {
    const report = this.#report(space);
    const told = this.#told;
    if (this.#isWanted || told === undefined) return report;
    return this.#isNews(told, report) ? report : undefined;
  }

  /** The coordinator has taken `report`. */
  noteTold(report: ScrubReportInit): void {
    this.#told = { report, atMs: this.#parts.clock.monotonicMs() };
    this.#isWanted = false;
  }

  /** What is told, as numbers for gauges. */
  overdueBytes(): number {
    return this.#overdue().sizeBytes;
  }

  #report({ quarantine, chunkCount }: StoreSpace): ScrubReportInit {
    const { state, ages } = this.#parts.log;
    const progress = this.#parts.worker.progress();
    const overdue = this.#overdue();
    return {
      periodMs: BigInt(this.#options.periodMs),
      budgetBytesPerSecond: BigInt(this.#options.bytesPerSecond),
      isTooSlow: progress.isTooSlow,
      passStartedMs: wholeMs(state.passStartedMs),
      passEndedMs: wholeMs(state.passEndedMs),
      doneChunks: BigInt(state.doneChunks),
      doneBytes: BigInt(state.doneBytes),
      totalChunks: BigInt(progress.totalChunks),
      totalBytes: BigInt(progress.totalBytes),
      bytesPerSecond: BigInt(progress.bytesPerSecond),
      unreadableChunks: BigInt(state.unreadableChunks),
      nextPassMs: wholeMs(progress.nextPassMs),
      requestedMs: wholeMs(state.requestedMs),
      requestedDoneMs: wholeMs(state.requestedDoneMs),
      // Some that were found then may have been deleted since.
      overdueChunks: BigInt(Math.min(overdue.chunks, chunkCount)),
      overdueBytes: BigInt(overdue.sizeBytes),
      oldestVerifiedMs: wholeMs(chunkCount === 0 ? 0 : ages.oldestMs),
      badCopies: BigInt(state.badCopies),
      latestBadCopies: state.latestBadCopies.map(({ id, foundMs }) => ({
        chunkId: chunkIdToBytes(id),
        foundMs: wholeMs(foundMs),
      })),
      quarantinedCopies: BigInt(quarantine.copies),
      quarantinedBytes: BigInt(quarantine.sizeBytes),
    };
  }

  #overdue() {
    const { periodMs } = this.#options;
    if (periodMs === 0) return { chunks: 0, sizeBytes: 0 };
    return this.#parts.log.ages.overdue(this.#parts.clock.now() - periodMs);
  }

  #isNews(
    told: { readonly report: ScrubReportInit; readonly atMs: number },
    report: ScrubReportInit,
  ): boolean {
    if (!isDeepStrictEqual(steady(told.report), steady(report))) return true;
    if (hasChanged(told.report.overdueBytes, report.overdueBytes)) return true;
    const hasMoved = told.report.doneChunks !== report.doneChunks;
    return hasMoved && this.#parts.clock.monotonicMs() - told.atMs >= PROGRESS_EVERY_MS;
  }
}

/** What is news as soon as it changes; the rest changes all the time while a pass gets on. */
function steady(report: ScrubReportInit) {
  const { isTooSlow, passStartedMs, passEndedMs, unreadableChunks } = report;
  const { requestedMs, requestedDoneMs, badCopies, quarantinedCopies } = report;
  return [
    isTooSlow,
    passStartedMs,
    passEndedMs,
    unreadableChunks,
    requestedMs,
    requestedDoneMs,
    badCopies,
    quarantinedCopies,
  ];
}

function hasChanged(before = 0n, after = 0n): boolean {
  const difference = Number(after > before ? after - before : before - after);
  return difference > Number(before) * OVERDUE_SHARE;
}

function wholeMs(ms: number): bigint {
  return BigInt(Math.trunc(ms));
}
