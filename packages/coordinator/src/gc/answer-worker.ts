import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { answerPeriod } from "../idempotency.ts";
import { answers, IDEMPOTENCY_KEY_BYTES } from "../keyspace.ts";
import { nowMsOf } from "../namespace/now-ms.ts";

const BATCH_ANSWERS = 1_000;

/** Forgets the answers to mutating calls when nobody may repeat them any more. */
export class AnswerWorker implements Worker {
  readonly name = "answers";
  readonly #kv: KvStore;
  readonly #clock: Clock;
  readonly #periodMs: number;

  constructor(kv: KvStore, clock: Clock, periodMs: number) {
    this.#kv = kv;
    this.#clock = clock;
    this.#periodMs = periodMs;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const period = answerPeriod(nowMsOf(this.#clock), this.#periodMs);
    const before = [Math.max(0, period - 1), FIRST_KEY] as const;
    const old = await this.#kv.read((reader) =>
      answers.page(reader, { before, limit: BATCH_ANSWERS }),
    );
    if (old.length > 0) {
      await this.#kv.transact(
        async (tx) => {
          for (const { key } of old) answers.delete(tx, key);
        },
        { signal },
      );
    }
    return old.length === BATCH_ANSWERS ? "again" : { pauseMs: this.#periodMs / 10 };
  }
}

const FIRST_KEY: Uint8Array = new Uint8Array(IDEMPOTENCY_KEY_BYTES);
