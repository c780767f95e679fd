import { AssertionFailure } from "@cairnfs/base/assert";
import { expect, test } from "vitest";
import { LABEL_SETS_MAX, PrometheusMetrics } from "./metrics.ts";

test("counters, gauges and histograms come out in Prometheus' format", async () => {
  const metrics = new PrometheusMetrics();
  metrics.counter("cairn_bytes_total", "Bytes.", ["direction"]).add(5, { direction: "in" });
  metrics.gauge("cairn_nodes", "Nodes.").set(3);
  metrics.histogram("cairn_wait_seconds", "Waits.").observe(0.003);
  const text = await metrics.text();
  expect(text).toContain('cairn_bytes_total{direction="in"} 5');
  expect(text).toContain("# HELP cairn_nodes Nodes.");
  expect(text).toContain("cairn_nodes 3");
  expect(text).toContain('cairn_wait_seconds_bucket{le="0.0025"} 0');
  expect(text).toContain('cairn_wait_seconds_bucket{le="0.005"} 1');
});

test("a histogram counts what is at most as large as each bound, for each set of labels", async () => {
  const metrics = new PrometheusMetrics();
  const waits = metrics.histogram("cairn_wait_seconds", "Waits.", ["method", "outcome"]);
  for (const value of [0.0005, 0.002, 100]) waits.observe(value, { method: "a", outcome: "ok" });
  waits.observe(1, { outcome: "ok", method: "b" });
  const text = await metrics.text();
  for (const line of [
    "# TYPE cairn_wait_seconds histogram",
    'cairn_wait_seconds_bucket{method="a",outcome="ok",le="0.0005"} 1',
    'cairn_wait_seconds_bucket{method="a",outcome="ok",le="0.001"} 1',
    'cairn_wait_seconds_bucket{method="a",outcome="ok",le="0.0025"} 2',
    'cairn_wait_seconds_bucket{method="a",outcome="ok",le="60"} 2',
    'cairn_wait_seconds_bucket{method="a",outcome="ok",le="+Inf"} 3',
    'cairn_wait_seconds_count{method="a",outcome="ok"} 3',
    'cairn_wait_seconds_sum{method="b",outcome="ok"} 1',
  ]) {
    expect(text).toContain(line);
  }
});

test("a counter that nobody has counted with yet is zero", async () => {
  const metrics = new PrometheusMetrics();
  metrics.counter("cairn_x_total", "X.");
  expect(await metrics.text()).toContain("cairn_x_total 0");
});

test("asking twice for a name gives the same metric, and another kind of metric is a bug", async () => {
  const metrics = new PrometheusMetrics();
  metrics.counter("cairn_x_total", "X.").add(1);
  metrics.counter("cairn_x_total", "X.").add(2);
  expect(await metrics.text()).toContain("cairn_x_total 3");
  expect(() => metrics.gauge("cairn_x_total", "X.")).toThrow(AssertionFailure);
});

test("an observed gauge is asked at each scrape, and the last who offers to answer does", async () => {
  const metrics = new PrometheusMetrics();
  let value = 1;
  metrics.observed("cairn_depth", "Depth.", () => value);
  expect(await metrics.text()).toContain("cairn_depth 1");
  value = 2;
  expect(await metrics.text()).toContain("cairn_depth 2");
  metrics.observed("cairn_depth", "Depth.", () => 9);
  expect(await metrics.text()).toContain("cairn_depth 9");
});

test("label sets beyond the limit are counted together as other", async () => {
  const metrics = new PrometheusMetrics();
  const counter = metrics.counter("cairn_peers_total", "Peers.", ["peer"]);
  for (let peer = 0; peer < LABEL_SETS_MAX + 3; peer++) counter.add(1, { peer: String(peer) });
  counter.add(1, { peer: "0" });
  const text = await metrics.text();
  expect(text).toContain('cairn_peers_total{peer="other"} 3');
  expect(text).toContain('cairn_peers_total{peer="0"} 2');
});

test("process metrics are there when asked for", async () => {
  const metrics = new PrometheusMetrics();
  metrics.addProcessMetrics();
  expect(await metrics.text()).toContain("process_cpu_seconds_total");
});
