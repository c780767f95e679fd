import type { Gauge, Metrics } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { DEBT_CLASSES, readCounters } from "../counters.ts";
import { NODE_STATES } from "../nodes/node-state.ts";
import { type NodeTable, stateOf } from "../nodes/node-table.ts";
import type { LedgerWalk } from "./ledger-walk.ts";

const REFRESH_MS = 10_000;

export interface RedundancyGaugesParts {
  readonly kv: KvStore;
  readonly table: NodeTable;
  readonly ledger: Pick<LedgerWalk, "progress">;
  readonly metrics: Metrics;
}

/** Shows in the metrics how the nodes are and how large the debt is, a few seconds old at most. */
export class RedundancyGauges implements Worker {
  readonly name = "redundancy-gauges";
  readonly #parts: RedundancyGaugesParts;
  readonly #nodes: Gauge;
  readonly #underreplicatedChunks: Gauge;
  readonly #underreplicatedBytes: Gauge;
  readonly #debtChunks: Gauge;
  readonly #debtBytes: Gauge;
  readonly #missingBytes: Gauge;
  readonly #ledgerExact: Gauge;

  constructor(parts: RedundancyGaugesParts) {
    this.#parts = parts;
    const { metrics } = parts;
    this.#nodes = metrics.gauge("cairn_nodes", "Members of the cluster, by state.", ["state"]);
    this.#underreplicatedChunks = metrics.gauge(
      "cairn_underreplicated_chunks",
      "Chunks in the ledger of debt: with fewer copies than wanted.",
    );
    this.#underreplicatedBytes = metrics.gauge(
      "cairn_underreplicated_bytes",
      "What the chunks in the ledger of debt add up to, one copy each.",
    );
    this.#debtChunks = metrics.gauge(
      "cairn_debt_chunks",
      "Chunks with fewer copies than wanted, by their live copies: 0, 1, 2, and 3 or more.",
      ["copies"],
    );
    this.#debtBytes = metrics.gauge("cairn_debt_bytes", "The same in bytes, one copy each.", [
      "copies",
    ]);
    this.#missingBytes = metrics.gauge(
      "cairn_missing_bytes",
      "What is to be copied until every chunk has its wanted copies.",
    );
    this.#ledgerExact = metrics.gauge(
      "cairn_ledger_exact",
      "1 when the debt shows every node that has died, come back or been removed; 0 while that is being counted.",
    );
  }

  async step(): Promise<Step> {
    const { kv, table, ledger } = this.#parts;
    const counters = await kv.read(readCounters);
    this.#underreplicatedChunks.set(counters.debtChunks);
    this.#underreplicatedBytes.set(counters.debtBytes);
    for (const row of DEBT_CLASSES) {
      const copies = String(row.copies);
      this.#debtChunks.set(counters[row.chunks], { copies });
      this.#debtBytes.set(counters[row.bytes], { copies });
    }
    this.#missingBytes.set(counters.missingBytes);
    this.#ledgerExact.set(Number(ledger.progress.isExact));
    const counts = new Map<string, number>();
    for (const row of table.rows()) {
      counts.set(stateOf(row), (counts.get(stateOf(row)) ?? 0) + 1);
    }
    for (const state of NODE_STATES) this.#nodes.set(counts.get(state) ?? 0, { state });
    return { pauseMs: REFRESH_MS };
  }
}
