import type { Clock } from "@cairnfs/base/clock";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { count, readCounters } from "../counters.ts";
import { changeLog, POSITION_BYTES } from "../keyspace.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import { trimmedPosition } from "../single-values.ts";

const BATCH_CHANGES = 1_000;
const IDLE_PAUSE_MS = 60_000;

export interface ChangeLogParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly settings: Pick<NamespaceSettings, "changeLogMs" | "changeLogEntriesMax">;
}

/** Cuts off the change log what is too old, or too much; and remembers where, so that nobody resumes across the cut. */
export class ChangeLogWorker implements Worker {
  readonly name = "change-log";
  readonly #parts: ChangeLogParts;

  constructor(parts: ChangeLogParts) {
    this.#parts = parts;
  }

  async step(signal: AbortSignal): Promise<Step> {
    const { kv, clock, settings } = this.#parts;
    const oldestMs = nowMsOf(clock) - settings.changeLogMs;
    const { cut, trimmed } = await kv.read(async (reader) => {
      const { changes } = await readCounters(reader);
      const surplus = changes - settings.changeLogEntriesMax;
      const oldest = await changeLog.page(reader, { limit: BATCH_CHANGES });
      // Times may jump, positions do not: what is cut is a beginning of the log.
      const last = oldest.findLastIndex(({ value }, at) => at < surplus || value.atMs < oldestMs);
      return {
        cut: oldest.slice(0, last + 1).map(({ key }) => key),
        trimmed: await trimmedPosition.get(reader, "log-trimmed"),
      };
    });
    const last = cut.at(-1);
    if (last === undefined) return { pauseMs: IDLE_PAUSE_MS };
    await kv.transact(
      async (tx) => {
        const since = await trimmedPosition.get(tx, "log-trimmed");
        const isCutElsewhere = Buffer.compare(since ?? BEFORE_ALL, trimmed ?? BEFORE_ALL) !== 0;
        if (isCutElsewhere) return;
        for (const key of cut) changeLog.delete(tx, key);
        trimmedPosition.put(tx, "log-trimmed", last);
        count(tx, "changes", -cut.length);
      },
      { signal },
    );
    return cut.length === BATCH_CHANGES ? "again" : { pauseMs: IDLE_PAUSE_MS };
  }
}

const BEFORE_ALL: Uint8Array = new Uint8Array(POSITION_BYTES);
