import type * as prom from "prom-client";

type Labels = Readonly<Record<string, string>>;

/** One value of a metric as prom-client writes it. */
interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

interface Level<V> {
  readonly below: Map<string, Level<V>>;
  value: V | undefined;
}

/**
 * What a metric holds for each set of label values, found without making a string. Labels may come from outside and must
 * not fill the memory: sets beyond the most count together, every label being "other".
 */
class LabelSets<V> {
  readonly #names: readonly string[];
  readonly #most: number;
  readonly #make: () => V;
  readonly #top: Level<V> = { below: new Map(), value: undefined };
  readonly #all: { readonly labels: Labels; readonly value: V }[] = [];
  #other: V | undefined;

  constructor(names: readonly string[], most: number, make: () => V) {
    this.#names = names;
    this.#most = most;
    this.#make = make;
    if (names.length === 0) this.of({});
  }

  of(labels: Labels): V {
    let level: Level<V> | undefined = this.#top;
    for (const name of this.#names) {
      level = level.below.get(labels[name] ?? "");
      if (level === undefined) return this.#added(labels);
    }
    return level.value ?? this.#added(labels);
  }

  all(): readonly { readonly labels: Labels; readonly value: V }[] {
    return this.#all;
  }

  #added(labels: Labels): V {
    if (this.#all.length >= this.#most && this.#names.length > 0) {
      this.#other ??= this.#keep(Object.fromEntries(this.#names.map((name) => [name, "other"])));
      return this.#other;
    }
    return this.#keep(Object.fromEntries(this.#names.map((name) => [name, labels[name] ?? ""])));
  }

  #keep(labels: Labels): V {
    let level = this.#top;
    for (const name of this.#names) {
      const value = labels[name] ?? "";
      const below: Level<V> = level.below.get(value) ?? { below: new Map(), value: undefined };
      level.below.set(value, below);
      level = below;
    }
    const value = level.value ?? this.#make();
    if (level.value === undefined) this.#all.push({ labels, value });
    level.value = value;
    return value;
  }
}

interface MetricParts {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly setsMax: number;
}

/** Counts by label values. */
export class CounterSeries {
  readonly #parts: MetricParts;
  readonly #sets: LabelSets<{ count: number }>;

  constructor(parts: MetricParts) {
    this.#parts = parts;
    this.#sets = new LabelSets(parts.labelNames, parts.setsMax, () => ({ count: 0 }));
  }

  add(amount: number, labels: Labels): void {
    this.#sets.of(labels).count += amount;
  }

  /** As a registry of prom-client wants it. */
  registered(): prom.Metric {
    const samples = () =>
      this.#sets.all().map(({ labels, value }) => ({ labels, value: value.count }));
    return registrable(this.#parts, "counter", samples);
  }
}

/** How many values were at most as large as each of the bounds, by label values. */
export class HistogramSeries {
  readonly #parts: MetricParts;
  readonly #bounds: readonly number[];
  readonly #sets: LabelSets<{ readonly counts: number[]; sum: number }>;

  /** The bounds ascend. */
  constructor(parts: MetricParts, bounds: readonly number[]) {
    this.#parts = parts;
    this.#bounds = bounds;
    this.#sets = new LabelSets(parts.labelNames, parts.setsMax, () => ({
      counts: new Array<number>(bounds.length + 1).fill(0),
      sum: 0,
    }));
  }

  observe(value: number, labels: Labels): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1;
    const set = this.#sets.of(labels);
    set.counts[at] = (set.counts[at] ?? 0) + 1;
    set.sum += value;
  }

  /** As a registry of prom-client wants it. */
  registered(): prom.Metric {
    return registrable(this.#parts, "histogram", () => this.#samples());
  }

  #samples(): readonly Sample[] {
    const { name } = this.#parts;
    return this.#sets.all().flatMap(({ labels, value: { counts, sum } }) => {
      let total = 0;
      const buckets = counts.map((count, index) => {
        total += count;
        const le = this.#bounds[index] ?? "+Inf";
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
      });
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: total },
      ];
    });
  }
}

function registrable(
  { name, help }: MetricParts,
  type: "counter" | "histogram",
  samples: () => readonly Sample[],
): prom.Metric {
  const metric = { name, help, type, get: async () => ({ name, help, type, values: samples() }) };
  // All that a registry asks of a metric that it writes.
  return metric as unknown as prom.Metric;
}
