import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import { closing, type Lifecycle } from "@cairnfs/base/lifecycle";
import type { Random } from "@cairnfs/base/random";
import type { Telemetry } from "@cairnfs/base/telemetry";
import type { Worker } from "@cairnfs/base/worker";
import type { CoordinatorLink } from "../cluster/coordinator-link.ts";
import type { DatanodeConfig } from "../config.ts";
import type { ChunkStore } from "../store/chunk-store.ts";
import { BadCopies } from "./bad-copies.ts";
import { ScrubLog } from "./scrub-log.ts";
import { ScrubReporter } from "./scrub-report.ts";
import { ScrubWorker } from "./scrub-worker.ts";

export interface OpenScrubParts {
  readonly disk: Disk;
  readonly store: ChunkStore;
  readonly link: CoordinatorLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

/** What reads the copies of a node, and what is said of it. */
export interface Scrub {
  readonly worker: ScrubWorker;
  readonly reporter: ScrubReporter;
  readonly workers: readonly Worker[];
}

/** Goes on where the data folder says the scrub was. What is remembered is written when `lifecycle` closes. */
export async function openScrub(
  config: Pick<DatanodeConfig, "dataDir" | "scrubPeriodMs" | "scrubBytesPerSecond">,
  { disk, store, link, clock, random, telemetry }: OpenScrubParts,
  lifecycle: Lifecycle,
): Promise<Scrub> {
  const { logger, metrics } = telemetry;
  const options = { periodMs: config.scrubPeriodMs, bytesPerSecond: config.scrubBytesPerSecond };
  const log = await ScrubLog.open(config.dataDir, { disk, clock, logger });
  lifecycle.add(closing(() => log.write()));
  const worker = new ScrubWorker({ store, log, clock, logger, metrics }, options);
  const bad = new BadCopies({ link, clock, random, metrics });
  const stop = store.onBadCopy((id) => {
    log.noteBadCopy(id);
    bad.note(id);
  });
  lifecycle.add(closing(async () => stop()));
  const reporter = new ScrubReporter({ log, worker, clock }, options);
  metrics.observed(
    "cairn_scrub_overdue_bytes",
    "Copies on this node that were not verified within the scrub period.",
    () => reporter.overdueBytes(),
  );
  return { worker, reporter, workers: [worker, bad] };
}
