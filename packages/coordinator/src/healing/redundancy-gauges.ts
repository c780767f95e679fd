import type { Gauge, Metrics } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { readCounters } from "../counters.ts";
import { NODE_STATES } from "../nodes/node-state.ts";
import { type NodeTable, stateOf } from "../nodes/node-table.ts";

const REFRESH_MS = 10_000;

/** Shows in the metrics how the nodes are and how large the debt is, a few seconds old at most. */
export class RedundancyGauges implements Worker {
  readonly name = "redundancy-gauges";
  readonly #kv: KvStore;
  readonly #table: NodeTable;
  readonly #nodes: Gauge;
  readonly #debtChunks: Gauge;
  readonly #debtBytes: Gauge;

  constructor(kv: KvStore, table: NodeTable, metrics: Metrics) {
    this.#kv = kv;
    this.#table = table;
    this.#nodes = metrics.gauge("cairn_nodes", "Members of the cluster, by state.", ["state"]);
    this.#debtChunks = metrics.gauge(
      "cairn_underreplicated_chunks",
      "Chunks in the ledger of debt: with fewer copies than wanted.",
    );
    this.#debtBytes = metrics.gauge(
      "cairn_underreplicated_bytes",
      "What the chunks in the ledger of debt add up to, one copy each.",
    );
  }

  async step(): Promise<Step> {
    const { debtChunks, debtBytes } = await this.#kv.read(readCounters);
    this.#debtChunks.set(debtChunks);
    this.#debtBytes.set(debtBytes);
    const counts = new Map<string, number>();
    for (const row of this.#table.rows()) {
      counts.set(stateOf(row), (counts.get(stateOf(row)) ?? 0) + 1);
    }
    for (const state of NODE_STATES) this.#nodes.set(counts.get(state) ?? 0, { state });
    return { pauseMs: REFRESH_MS };
  }
}
