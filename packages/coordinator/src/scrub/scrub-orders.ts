import type { Clock } from "@cairnfs/base/clock";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { scrubOrders } from "../single-values.ts";

/** Stands for all nodes, those that join later too; no node has it. */
const ALL = 0;

/** When the operator asked which nodes for a scrub: kept in the store, and known without asking it. */
export class ScrubOrders {
  readonly #kv: KvStore;
  readonly #clock: Clock;
  #times: ReadonlyMap<number, number>;

  private constructor(kv: KvStore, clock: Clock, times: ReadonlyMap<number, number>) {
    this.#kv = kv;
    this.#clock = clock;
    this.#times = times;
  }

  static async open(kv: KvStore, clock: Clock): Promise<ScrubOrders> {
    const times = await kv.read((reader) => scrubOrders.get(reader, "scrub-orders"));
    return new ScrubOrders(kv, clock, times ?? new Map());
  }

  /** Asks some nodes, or all when none is named; resolves with the time of the request, which is later than that of any before. */
  async ask(nodeNumbers: readonly number[], signal: AbortSignal): Promise<number> {
    const nowMs = Math.floor(this.#clock.now());
    const { times, requestedMs } = await this.#kv.transact(
      async (tx) => {
        const before = (await scrubOrders.get(tx, "scrub-orders")) ?? new Map<number, number>();
        // Also when the clock was set back: nodes take only what is newer.
        const requestedMs = Math.max(nowMs, latest(before) + 1);
        const times = new Map(nodeNumbers.length === 0 ? [] : before);
        for (const nodeNumber of nodeNumbers) times.set(nodeNumber, requestedMs);
        if (nodeNumbers.length === 0) times.set(ALL, requestedMs);
        scrubOrders.put(tx, "scrub-orders", times);
        return { times, requestedMs };
      },
      { signal },
    );
    // Of two that ask at once the later transaction knows of both.
    if (latest(times) >= latest(this.#times)) this.#times = times;
    return requestedMs;
  }

  /** The newest request that concerns the node; 0 when there is none. */
  of(nodeNumber: number): number {
    return Math.max(this.#times.get(ALL) ?? 0, this.#times.get(nodeNumber) ?? 0);
  }
}

function latest(times: ReadonlyMap<number, number>): number {
  let latestMs = 0;
  for (const requestedMs of times.values()) latestMs = Math.max(latestMs, requestedMs);
  return latestMs;
}
