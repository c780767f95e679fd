import { backoffMs } from "@cairnfs/base/backoff";
import { CairnError } from "@cairnfs/base/errors";
import type { Random } from "@cairnfs/base/random";
import type { Gauge, Logger, Metrics } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { Scrub } from "../scrub/open-scrub.ts";
import type { ScrubReportInit } from "../scrub/scrub-report.ts";
import type { ChunkStore, StoreSpace } from "../store/chunk-store.ts";
import type {
  CoordinatorLink,
  HeartbeatNews,
  NodeDescription,
  UsageInit,
} from "./coordinator-link.ts";
import type { DiskHealth } from "./disk-health.ts";

export interface HeartbeatWorkerParts {
  readonly link: CoordinatorLink;
  readonly store: ChunkStore;
  readonly health: DiskHealth;
  readonly random: Random;
  readonly logger: Logger;
  /** What the node says of itself when it registers. */
  readonly self: NodeDescription;
  readonly metrics: Metrics;
  /** Undefined: the node says nothing of scrubs. */
  readonly scrub?: Pick<Scrub, "worker" | "reporter"> | undefined;
}

/** By how much of the interval a heartbeat may come early. */
const EARLY_SHARE = 0.1;

/** Keeps the node registered and heard; goes on for ever while the coordinator is away. */
export class HeartbeatWorker implements Worker {
  readonly name = "heartbeat";
  readonly #parts: HeartbeatWorkerParts;
  readonly #retryMs: number;
  readonly #gauges: {
    readonly used: Gauge;
    readonly available: Gauge;
    readonly chunks: Gauge;
    readonly quarantined: Gauge;
  };
  #failures = 0;
  #hasToldRemoval = false;

  constructor(parts: HeartbeatWorkerParts, options: { readonly retryMs: number }) {
    this.#parts = parts;
    this.#retryMs = options.retryMs;
    const { metrics } = parts;
    this.#gauges = {
      used: metrics.gauge("cairn_datanode_used_bytes", "What chunks take on the disk."),
      available: metrics.gauge(
        "cairn_datanode_available_bytes",
        "What new chunks may take on the disk.",
      ),
      chunks: metrics.gauge("cairn_datanode_chunks", "Chunks on the disk."),
      quarantined: metrics.gauge(
        "cairn_datanode_quarantined_bytes",
        "What bad copies that are kept aside take on the disk.",
      ),
    };
  }

  async step(signal: AbortSignal): Promise<Step> {
    const { link, logger, random } = this.#parts;
    try {
      await this.#beat(signal);
    } catch (error) {
      if (!(error instanceof CairnError) || signal.aborted) throw error;
      this.#failures += 1;
      if (link.isRemoved && !this.#hasToldRemoval) {
        this.#hasToldRemoval = true;
        logger.error("this node does not belong to the cluster any more", {}, error);
      } else if (this.#failures === 1) {
        logger.warn("the coordinator did not take the heartbeat", {}, error);
      }
      const limits = { baseMs: this.#retryMs, capMs: 10 * this.#retryMs };
      return { pauseMs: backoffMs(this.#failures, limits, random) };
    }
    if (this.#failures > 0) logger.info("the coordinator answers again", {});
    this.#failures = 0;
    if (!link.isRegistered) return "again";
    // Thousands that started at the same moment do not stay in step, and nobody is later than agreed.
    return { pauseMs: link.heartbeatIntervalMs * (1 - random.next() * EARLY_SHARE) };
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { link, store, health, self } = this.#parts;
    await health.probe();
    const space = await store.space();
    const usage = usageOf(space);
    this.#show(space);
    if (!link.isRegistered) await link.register(self, usage, signal);
    const report = this.#parts.scrub?.reporter.news(space);
    const news = await link.heartbeat(
      { usage, health: health.report(space), scrub: report },
      signal,
    );
    this.#takeNews(news, report);
  }

  #takeNews(news: HeartbeatNews, told: ScrubReportInit | undefined): void {
    const { link, scrub } = this.#parts;
    if (scrub === undefined) return;
    if (told !== undefined && link.isRegistered) scrub.reporter.noteTold(told);
    if (news.wantsScrubReport) scrub.reporter.want();
    scrub.worker.request(news.scrubRequestedMs);
  }

  #show(space: StoreSpace): void {
    const { used, available, chunks, quarantined } = this.#gauges;
    used.set(space.usedBytes);
    available.set(space.availableBytes);
    chunks.set(space.chunkCount);
    quarantined.set(space.quarantine.sizeBytes);
  }
}

export function usageOf(space: StoreSpace): UsageInit {
  return {
    capacityBytes: BigInt(space.capacityBytes),
    usedBytes: BigInt(space.usedBytes),
    availableBytes: BigInt(space.availableBytes),
    chunkCount: BigInt(space.chunkCount),
  };
}
