import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import type { Logger } from "@cairnfs/base/telemetry";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import {
  freshScrub,
  LATEST_BAD_COPIES_MAX,
  readScrub,
  type ScrubState,
  writeScrub,
} from "./scrub-file.ts";
import { VerificationAges } from "./verification-ages.ts";

export interface ScrubLogParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** At most so often it is written while a pass gets on. */
const WRITE_EVERY_MS = 60_000;

/** What a node remembers of its scrubs, in memory and in its data folder. */
export class ScrubLog {
  readonly state: ScrubState;
  readonly ages: VerificationAges;
  readonly #parts: ScrubLogParts;
  readonly #dataDir: string;
  #isDirty = false;
  #writtenMs: number;

  private constructor(dataDir: string, state: ScrubState, parts: ScrubLogParts) {
    this.#dataDir = dataDir;
    this.#parts = parts;
    this.state = state;
    this.ages = new VerificationAges(state.slices);
    this.#writtenMs = parts.clock.monotonicMs();
  }

  static async open(dataDir: string, parts: ScrubLogParts): Promise<ScrubLog> {
    const state = await readScrub(parts.disk, dataDir);
    return new ScrubLog(dataDir, state ?? freshScrub(), parts);
  }

  /** Changes what is remembered; it is durable some time later. */
  change(changes: Partial<Omit<ScrubState, "slices">>): void {
    Object.assign(this.state, changes);
    this.#isDirty = true;
  }

  noteBadCopy(id: ChunkId): void {
    const latest = [...this.state.latestBadCopies, { id, foundMs: this.#parts.clock.now() }];
    this.change({
      badCopies: this.state.badCopies + 1,
      latestBadCopies: latest.slice(-LATEST_BAD_COPIES_MAX),
    });
  }

  /** When `writeIfDue` has something to write; undefined when nothing has changed. */
  get writeDueMs(): number | undefined {
    return this.#isDirty ? this.#writtenMs + WRITE_EVERY_MS : undefined;
  }

  async writeIfDue(): Promise<void> {
    const dueMs = this.writeDueMs;
    if (dueMs !== undefined && dueMs <= this.#parts.clock.monotonicMs()) await this.write();
  }

  /** Has what is remembered durable, if it is not. A disk that does not take it costs reading some copies again. */
  async write(): Promise<void> {
    if (!this.#isDirty) return;
    const { disk, clock, logger } = this.#parts;
    this.#isDirty = false;
    this.#writtenMs = clock.monotonicMs();
    try {
      await writeScrub(disk, this.#dataDir, { ...this.state, slices: this.ages.slices });
    } catch (error) {
      this.#isDirty = true;
      logger.warn("how far the scrub is could not be noted", {}, error);
    }
  }
}
