import { assert } from "@cairnfs/base/assert";
import type { Clock } from "@cairnfs/base/clock";
import type { DiskSpace } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import { storeError } from "./store-error.ts";

export interface SpaceOptions {
  /** The most the store may take of its disk; all of it when left out. */
  readonly capacityBytes?: number | undefined;
  /** What puts leave free, so that deletes and compaction work on a full disk; 1 %, at least 64 MiB, when left out. */
  readonly reserveBytes?: number | undefined;
}

/** What may be given up when the room for chunks is short. */
export interface Expendable {
  /** What would be free, if it were. The ledger counts these bytes as used. */
  readonly expendableBytes: number;
  /** Gives up so many bytes, or all there are, and has the ledger know of it. */
  giveUp(sizeBytes: number): Promise<void>;
}

/** Room that a put was promised; given back once, when what it took has been counted. */
export type Room = () => void;

const RESERVE_BYTES_MIN = 64 * 1024 * 1024;
const RESERVE_SHARE = 0.01;
/** On a small disk the reserve must leave room for something. */
const RESERVE_SHARE_MAX = 0.1;
const MEASURE_EVERY_MS = 1_000;

/** Who has promised which bytes of a disk: what stores hold, what puts may still write, and the reserve. */
export class SpaceLedger {
  readonly #measure: () => Promise<DiskSpace>;
  readonly #clock: Clock;
  readonly #options: SpaceOptions;
  #usedBytes = 0;
  #promisedBytes = 0;
  #measured: DiskSpace | undefined;
  #measuredMs = 0;
  #measuring: Promise<void> | undefined;
  /** By how much files have grown since the store was opened, and had when the disk was measured. */
  #grownBytes = 0;
  #grownAtMeasureBytes = 0;
  #expendable: Expendable | undefined;

  constructor(measure: () => Promise<DiskSpace>, clock: Clock, options: SpaceOptions = {}) {
    this.#measure = measure;
    this.#clock = clock;
    this.#options = options;
  }

  /** What `expendable` has counts as available from now on, and goes when it is needed. */
  mayTakeFrom(expendable: Expendable): void {
    this.#expendable = expendable;
  }

  /** Promises `sizeBytes` to a put; `storeFull` when they are not there. */
  async take(sizeBytes: number): Promise<Room> {
    await this.#refresh(MEASURE_EVERY_MS);
    // The estimate only counts what we wrote; before a refusal, what others freed counts too.
    if (this.#availableBytes() < sizeBytes) await this.#refresh(0);
    const shortBytes = sizeBytes - this.#roomBytes();
    const isHelped = shortBytes > 0 && this.#availableBytes() >= sizeBytes;
    if (isHelped) await this.#expendable?.giveUp(shortBytes);
    const availableBytes = Math.max(0, this.#roomBytes());
    if (availableBytes < sizeBytes) {
      throw new CairnError(
        "storeFull",
        `${sizeBytes} bytes are wanted and ${availableBytes} are free`,
        { details: { wantedBytes: sizeBytes, availableBytes } },
      );
    }
    this.#promisedBytes += sizeBytes;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#promisedBytes -= sizeBytes;
    };
  }

  /** Counts bytes that files of the store have grown by, or shrunk when negative. */
  add(sizeBytes: number): void {
    this.#usedBytes += sizeBytes;
    this.#grownBytes += sizeBytes;
    assert(this.#usedBytes >= 0, "more bytes were freed than were used");
  }

  async space(): Promise<{ capacityBytes: number; usedBytes: number; availableBytes: number }> {
    await this.#refresh(MEASURE_EVERY_MS);
    return {
      capacityBytes: this.#capacityBytes(),
      usedBytes: this.#usedBytes,
      availableBytes: this.#availableBytes(),
    };
  }

  async #refresh(maxAgeMs: number): Promise<void> {
    const ageMs = this.#clock.monotonicMs() - this.#measuredMs;
    if (this.#measured !== undefined && ageMs < maxAgeMs) return;
    this.#measuring ??= this.#measureAgain().finally(() => {
      this.#measuring = undefined;
    });
    await this.#measuring;
  }

  async #measureAgain(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    // What grows while we ask may or may not be in the answer: it is counted.
    const grownBytes = this.#grownBytes;
    this.#measured = await this.#measureDisk();
    this.#measuredMs = nowMs;
    this.#grownAtMeasureBytes = grownBytes;
  }

  async #measureDisk(): Promise<DiskSpace> {
    try {
      return await this.#measure();
    } catch (error) {
      throw storeError(error, "measuring its space");
    }
  }

  #capacityBytes(): number {
    const diskBytes = this.#measured?.capacityBytes ?? 0;
    return Math.min(this.#options.capacityBytes ?? diskBytes, diskBytes);
  }

  /** What is free, and what would be if all that is expendable went. */
  #availableBytes(): number {
    const expendableBytes = this.#expendable?.expendableBytes ?? 0;
    return Math.max(0, this.#roomBytes() + expendableBytes);
  }

  /** Less than nothing where the reserve or promises are not covered. */
  #roomBytes(): number {
    const capacityBytes = this.#capacityBytes();
    const onDiskBytes =
      (this.#measured?.availableBytes ?? 0) - (this.#grownBytes - this.#grownAtMeasureBytes);
    const freeBytes = Math.min(capacityBytes - this.#usedBytes, onDiskBytes);
    return Math.floor(freeBytes - this.#reserveBytes(capacityBytes) - this.#promisedBytes);
  }

  #reserveBytes(capacityBytes: number): number {
    return (
      this.#options.reserveBytes ??
      Math.min(
        Math.max(RESERVE_BYTES_MIN, capacityBytes * RESERVE_SHARE),
        capacityBytes * RESERVE_SHARE_MAX,
      )
    );
  }
}
