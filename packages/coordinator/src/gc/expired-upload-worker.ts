import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { sessionExpiries, sessions } from "../keyspace.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import { endSession } from "../uploads/session-table.ts";
import { pauseUntil } from "./pause-until.ts";

/** So many are ended by one commit. */
const BATCH_SESSIONS = 256;

/** Ends upload sessions whose time is over; what the open ones gathered becomes garbage. */
export class ExpiredUploadWorker implements Worker {
  readonly name = "expired-uploads";
  readonly #kv: KvStore;
  readonly #clock: Clock;

  readonly #onEnded: () => void;

  /** `onEnded` hears that contents of sessions have no owner any more. */
  constructor(kv: KvStore, clock: Clock, onEnded: () => void = () => undefined) {
    this.#kv = kv;
    this.#clock = clock;
    this.#onEnded = onEnded;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const nowMs = nowMsOf(this.#clock);
    const due = await this.#kv.read((reader) =>
      sessionExpiries.page(reader, { before: [nowMs + 1, NO_SESSION], limit: BATCH_SESSIONS }),
    );
    if (due.length === 0) {
      const next = await this.#kv.read((reader) => sessionExpiries.first(reader));
      return pauseUntil(next?.key[0], nowMs);
    }
    await this.#kv.transact(
      async (tx) => {
        const found = await sessions.getMany(
          tx,
          due.map(({ key }) => key[1]),
        );
        for (const [at, { key }] of due.entries()) {
          const session = found[at];
          const [expiresMs, id] = key;
          // Renewed or ended since we looked: then this row is gone with it.
          if (session?.expiresMs === expiresMs) await endSession(tx, id, session, nowMs);
        }
      },
      { signal },
    );
    this.#onEnded();
    return "again";
  }
}

const NO_SESSION: Uint8Array = new Uint8Array(16);
