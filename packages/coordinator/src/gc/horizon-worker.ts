import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { markIntervalMs, moveHorizon } from "../chunks/epochs.ts";
import { nowMsOf } from "../namespace/now-ms.ts";

/** Lets the horizon follow the epoch, at the distance of a receipt's life. */
export class HorizonWorker implements Worker {
  readonly name = "horizon";
  readonly #kv: KvStore;
  readonly #clock: Clock;
  readonly #receiptLifeMs: number;

  constructor(kv: KvStore, clock: Clock, receiptLifeMs: number) {
    this.#kv = kv;
    this.#clock = clock;
    this.#receiptLifeMs = receiptLifeMs;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const nowMs = nowMsOf(this.#clock);
    await this.#kv.transact((tx) => moveHorizon(tx, nowMs, this.#receiptLifeMs), { signal });
    return { pauseMs: markIntervalMs(this.#receiptLifeMs) };
  }
}
