import { type Metrics, silentMetrics } from "@cairnfs/base/telemetry";
import { expect, test } from "vitest";
import { count } from "../counters.ts";
import { TestManager } from "../nodes/testing/manager.ts";
import { RedundancyGauges } from "./redundancy-gauges.ts";

test("the metrics show the nodes by state, and the debt", async () => {
  const shown = new Map<string, number>();
  const metrics: Metrics = {
    ...silentMetrics,
    gauge: (name) => ({
      set: (value, labels) =>
        void shown.set([name, labels?.state ?? labels?.copies].filter(Boolean).join(" "), value),
    }),
  };
  const cluster = await TestManager.open();
  const gauges = new RedundancyGauges({
    kv: cluster.kv,
    table: cluster.manager.table,
    ledger: { progress: { isExact: true, sinceMs: 0, share: 1 } },
    metrics,
  });
  await cluster.join(1);
  await cluster.join(2);
  await cluster.register(3);
  await cluster.kv.transact(async (tx) => {
    count(tx, "debtChunks", 2);
    count(tx, "debtBytes", 300);
    count(tx, "debtChunks1", 2);
    count(tx, "debtBytes1", 300);
    count(tx, "missingBytes", 600);
  });
  await gauges.step();
  expect(Object.fromEntries(shown)).toEqual({
    "cairn_nodes joining": 1,
    "cairn_nodes healthy": 2,
    "cairn_nodes suspect": 0,
    "cairn_nodes dead": 0,
    "cairn_nodes draining": 0,
    "cairn_nodes drained": 0,
    cairn_underreplicated_chunks: 2,
    cairn_underreplicated_bytes: 300,
    "cairn_debt_chunks 0": 0,
    "cairn_debt_chunks 1": 2,
    "cairn_debt_chunks 2": 0,
    "cairn_debt_chunks 3": 0,
    "cairn_debt_bytes 0": 0,
    "cairn_debt_bytes 1": 300,
    "cairn_debt_bytes 2": 0,
    "cairn_debt_bytes 3": 0,
    cairn_missing_bytes: 600,
    cairn_ledger_exact: 1,
  });
  await cluster.silence(60_000);
  await gauges.step();
  expect(shown.get("cairn_nodes dead")).toBe(3);
  expect(shown.get("cairn_nodes healthy")).toBe(0);
});
