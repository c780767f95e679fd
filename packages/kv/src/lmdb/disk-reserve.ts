import type { Clock } from "@cairnfs/base/clock";
import { hasReason } from "@cairnfs/base/errors";
import type { CommitWriter } from "./commit-writer.ts";
import { reserveSteps } from "./free-reserve.ts";

export const RESERVE_PAGE_BYTES = 4096;
/** A full disk is tried again no sooner. */
const RETRY_MS = 5_000;

/**
 * Pages that are kept so that deletions go on when the disk is full: given up when a write finds no room, and from then on
 * nothing is to grow until they could be taken again.
 */
export class DiskReserve {
  readonly #writer: CommitWriter;
  readonly #clock: Clock;
  readonly #pages: number;
  #isKept: boolean;
  #triedMs = Number.NEGATIVE_INFINITY;

  private constructor(writer: CommitWriter, clock: Clock, pages: number, isKept: boolean) {
    this.#writer = writer;
    this.#clock = clock;
    this.#pages = pages;
    this.#isKept = isKept;
  }

  /** Takes the pages; where there is no room for them the store begins as one whose disk is full. */
  static async open(
    writer: CommitWriter,
    clock: Clock,
    reserveBytes: number,
  ): Promise<DiskReserve> {
    const pages = Math.ceil(reserveBytes / RESERVE_PAGE_BYTES);
    const reserve = new DiskReserve(writer, clock, pages, pages === 0);
    if (pages > 0) await reserve.take();
    return reserve;
  }

  /** Whether nothing is to grow. */
  get isSpent(): boolean {
    return !this.#isKept;
  }

  /** Whether the pages are to be taken again, as far as time goes. */
  get isDue(): boolean {
    return !this.#isKept && this.#clock.monotonicMs() - this.#triedMs >= RETRY_MS;
  }

  /**
   * Frees the pages, when the writer is at rest. Between two steps `renew` lets go of the state that is read: pages are not used
   * again while somebody reads from before they were free.
   */
  async spend(renew: () => void): Promise<void> {
    if (!this.#isKept || this.#pages === 0) return;
    this.#isKept = false;
    this.#triedMs = this.#clock.monotonicMs();
    for (const pages of reserveSteps()) {
      const isEmpty = await this.#writer.freeReserve(pages);
      renew();
      if (isEmpty) break;
    }
    // The last step: what was freed by one transaction can be used by those after the next.
    await this.#writer.freeReserve(1);
    renew();
  }

  /** Takes the pages again if there is room for them, when the writer is at rest. */
  async take(): Promise<void> {
    this.#triedMs = this.#clock.monotonicMs();
    try {
      await this.#writer.keepReserve(this.#pages);
      this.#isKept = true;
    } catch (error) {
      if (!hasReason(error, "storeFull")) throw error;
    }
  }
}
