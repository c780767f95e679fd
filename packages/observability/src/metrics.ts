import { assert } from "@cairnfs/base/assert";
import type { Counter, Gauge, Histogram, Metrics } from "@cairnfs/base/telemetry";
import * as prom from "prom-client";
import { CounterSeries, HistogramSeries } from "./series.ts";

/** Seconds, from a cached read to a transfer that crawls. */
export const DURATION_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/** Sets of label values of one metric; what comes later is counted under "other". */
export const LABEL_SETS_MAX = 2_000;

/**
 * So often the event loop's lag is measured, which is what it says at rest. Each time wakes the process: even ten times a second would cost
 * more than all else that it does when there is nothing to do.
 */
const LAG_SAMPLE_MS = 1000;

type Labels = Readonly<Record<string, string>>;
const NO_LABELS: Labels = {};

/** The metrics of one process, in Prometheus' text format. */
export class PrometheusMetrics implements Metrics {
  readonly #registry = new prom.Registry();
  readonly #kinds = new Map<string, string>();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #observed = new Map<string, { read: () => number }>();

  /** The content type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return this.#once(this.#counters, "counter", name, () => {
      const series = new CounterSeries({ name, help, labelNames, setsMax: LABEL_SETS_MAX });
      this.#registry.registerMetric(series.registered());
      return { add: (amount, labels = NO_LABELS) => series.add(amount, labels) };
    });
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return this.#once(this.#gauges, "gauge", name, () => {
      const metric = new prom.Gauge({ name, help, labelNames, registers: [this.#registry] });
      const bounded = boundLabels(labelNames);
      return { set: (value, labels = {}) => metric.set(bounded(labels), value) };
    });
  }

  histogram(name: string, help: string, labelNames: readonly string[] = []): Histogram {
    return this.#once(this.#histograms, "histogram", name, () => {
      const parts = { name, help, labelNames, setsMax: LABEL_SETS_MAX };
      const series = new HistogramSeries(parts, DURATION_BUCKETS);
      this.#registry.registerMetric(series.registered());
      return { observe: (value, labels = NO_LABELS) => series.observe(value, labels) };
    });
  }

  /** Asking again for a name replaces who is asked for the value: a part that was opened again counts. */
  observed(name: string, help: string, read: () => number): void {
    const source = this.#once(this.#observed, "observed gauge", name, () => {
      const holder = { read };
      const metric: prom.Gauge = new prom.Gauge({
        name,
        help,
        registers: [this.#registry],
        collect: () => metric.set(holder.read()),
      });
      return holder;
    });
    source.read = read;
  }

  /** Adds what Node knows of the process: CPU, memory, event loop lag, garbage collection. */
  addProcessMetrics(): void {
    const eventLoopMonitoringPrecision = LAG_SAMPLE_MS;
    prom.collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision });
  }

  /** Everything, as a scrape wants it. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #once<T>(known: Map<string, T>, kind: string, name: string, make: () => T): T {
    const firstKind = this.#kinds.get(name);
    assert(
      firstKind === undefined || firstKind === kind,
      `metric ${name} is a ${firstKind}, not a ${kind}`,
    );
    this.#kinds.set(name, kind);
    const metric = known.get(name) ?? make();
    known.set(name, metric);
    return metric;
  }
}

/** Labels that come from outside must not fill the memory. */
function boundLabels(labelNames: readonly string[]): (labels: Labels) => Labels {
  if (labelNames.length === 0) return (labels) => labels;
  const seen = new Set<string>();
  const other = Object.fromEntries(labelNames.map((name) => [name, "other"]));
  return (labels) => {
    const set = labelNames.map((name) => labels[name]).join("\0");
    if (seen.has(set)) return labels;
    if (seen.size >= LABEL_SETS_MAX) return other;
    seen.add(set);
    return labels;
  };
}
