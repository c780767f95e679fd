import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { sessionExpiries, sessions } from "../keyspace.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import { endSession } from "../uploads/session-table.ts";

/** So many are ended by one commit. */
const BATCH_SESSIONS = 256;
const IDLE_PAUSE_MS = 5_000;

/** Ends upload sessions whose time is over; what the open ones gathered becomes garbage. */
export class ExpiredUploadWorker implements Worker {
  readonly name = "expired-uploads";
  readonly #kv: KvStore;
  readonly #clock: Clock;

  constructor(kv: KvStore, clock: Clock) {
    this.#kv = kv;
    this.#clock = clock;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const nowMs = nowMsOf(this.#clock);
    const due = await this.#kv.read((reader) =>
      sessionExpiries.page(reader, { before: [nowMs + 1, NO_SESSION], limit: BATCH_SESSIONS }),
    );
    if (due.length === 0) return { pauseMs: IDLE_PAUSE_MS };
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
    return due.length === BATCH_SESSIONS ? "again" : { pauseMs: IDLE_PAUSE_MS };
  }
}

const NO_SESSION: Uint8Array = new Uint8Array(16);
