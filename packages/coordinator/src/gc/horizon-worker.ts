import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { markIntervalMs, moveHorizon } from "../chunks/epochs.ts";
import { nowMsOf } from "../namespace/now-ms.ts";

/** Lets the horizon follow the epoch, at the distance of a receipt's life, while anything uses epochs. */
export class HorizonWorker implements Worker {
  readonly name = "horizon";
  readonly #kv: KvStore;
  readonly #clock: Clock;
  readonly #receiptLifeMs: number;
  #isEpochUsed = false;

  constructor(kv: KvStore, clock: Clock, receiptLifeMs: number) {
    this.#kv = kv;
    this.#clock = clock;
    this.#receiptLifeMs = receiptLifeMs;
  }

  /**
   * Placements of the current epoch were given to somebody, or copies were found that nobody has handed in. What a process that ended
   * knew of this comes back with the copies, when inventories are compared.
   */
  noteUse(): void {
    this.#isEpochUsed = true;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const nowMs = nowMsOf(this.#clock);
    const receiptLifeMs = this.#receiptLifeMs;
    const isEpochUsed = this.#isEpochUsed;
    // Who uses it from here on may have read the epoch that this ends, or the one after.
    this.#isEpochUsed = false;
    try {
      await this.#kv.transact((tx) => moveHorizon(tx, { nowMs, receiptLifeMs, isEpochUsed }), {
        signal,
      });
    } catch (error) {
      this.#isEpochUsed ||= isEpochUsed;
      throw error;
    }
    return { pauseMs: markIntervalMs(receiptLifeMs) };
  }
}
