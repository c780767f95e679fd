import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { multipartExpiries, multiparts } from "../multipart/multipart-tables.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import { pauseUntil } from "./pause-until.ts";

const BATCH_UPLOADS = 1_000;

/** Forgets uploads in parts that were completed, when nobody may complete them again any more. */
export class CompletedMultipartWorker implements Worker {
  readonly name = "completed-uploads";
  readonly #kv: KvStore;
  readonly #clock: Clock;

  constructor(kv: KvStore, clock: Clock) {
    this.#kv = kv;
    this.#clock = clock;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const nowMs = nowMsOf(this.#clock);
    const due = await this.#kv.read((reader) =>
      multipartExpiries.page(reader, { before: [nowMs + 1, 0], limit: BATCH_UPLOADS }),
    );
    if (due.length === 0) {
      const next = await this.#kv.read((reader) => multipartExpiries.first(reader));
      return pauseUntil(next?.key[0], nowMs);
    }
    await this.#kv.transact(
      async (tx) => {
        // A completed upload does not change any more.
        for (const { key } of due) {
          multipartExpiries.delete(tx, key);
          multiparts.delete(tx, key[1]);
        }
      },
      { signal },
    );
    return "again";
  }
}
