import { backoffMs } from "@cairnfs/base/backoff";
import { Bell } from "@cairnfs/base/bell";
import type { Clock } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import type { Counter, Metrics } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { CoordinatorLink } from "../cluster/coordinator-link.ts";

export interface BadCopiesParts {
  readonly link: Pick<CoordinatorLink, "membership" | "reportCorrupt">;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

/** More are not kept: the comparison of inventories finds the others. */
const UNTOLD_MAX = 1000;
const RETRY_PAUSE = { baseMs: 1000, capMs: 60_000 };
const IDLE_MS = 24 * 3_600_000;

/**
 * Tells the coordinator of the copies that this node found bad, until it has taken each report. What is still untold when the node ends
 * comes to light when inventories are compared, since the node holds it no more.
 */
export class BadCopies implements Worker {
  readonly name = "bad-copies";
  readonly #parts: BadCopiesParts;
  readonly #bell: Bell;
  readonly #untold = new Set<ChunkId>();
  readonly #found: Counter;
  #failures = 0;

  constructor(parts: BadCopiesParts) {
    this.#parts = parts;
    this.#bell = new Bell(parts.clock);
    this.#found = parts.metrics.counter(
      "cairn_datanode_bad_copies_total",
      "Copies on this node that were not what had been written, or could not be read.",
    );
  }

  /** Takes a copy in that was found bad. */
  note(id: ChunkId): void {
    this.#found.add(1);
    if (this.#untold.size < UNTOLD_MAX) this.#untold.add(id);
    this.#bell.ring();
  }

  async step(signal: AbortSignal): Promise<Step> {
    const { link, random } = this.#parts;
    const [id] = this.#untold;
    if (id === undefined) {
      await this.#bell.wait(IDLE_MS, signal);
      return "again";
    }
    const { membership } = link;
    const isTaken =
      membership !== undefined && (await link.reportCorrupt(id, membership.nodeNumber));
    if (!isTaken) {
      this.#failures += 1;
      return { pauseMs: backoffMs(this.#failures, RETRY_PAUSE, random) };
    }
    this.#failures = 0;
    this.#untold.delete(id);
    return "again";
  }
}
