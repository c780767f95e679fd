/**
 * Buckets of a span in microseconds: as wide as a 128th of the power of two they are in, exact below 256.
 *
 *     value < 128:   bucket = value
 *     otherwise:     shift = floor(log2 value) - 7, bucket = 128 * shift + (value >> shift)
 */
const SUB_BUCKET_BITS = 7;
const SUB_BUCKETS = 2 ** SUB_BUCKET_BITS;
const VALUE_MAX = 2 ** 32 - 1;
const BUCKETS = SUB_BUCKETS * (32 - SUB_BUCKET_BITS + 1);

/** A histogram as it travels between processes: pairs of bucket and count. */
export interface HistogramData {
  readonly buckets: readonly (readonly [bucket: number, count: number])[];
  readonly sumMs: number;
  readonly maxMs: number;
}

/** How long things took, at most 71 minutes each: percentiles are right within 1 %, the maximum exactly. Its size is fixed. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  static from(data: HistogramData): Histogram {
    const histogram = new Histogram();
    histogram.add(data);
    return histogram;
  }

  get count(): number {
    return this.#count;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sumMs / this.#count;
  }

  record(durationMs: number): void {
    const bucket = bucketOf(Math.min(Math.max(0, Math.round(durationMs * 1000)), VALUE_MAX));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sumMs += durationMs;
    if (durationMs > this.#maxMs) this.#maxMs = durationMs;
  }

  /** The span that this share of all were within; 0 when there were none. */
  percentileMs(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= rank) return Math.min(upperEdge(bucket) / 1000, this.#maxMs);
    }
    return this.#maxMs;
  }

  /** Takes in what another one has counted. */
  add({ buckets, sumMs, maxMs }: HistogramData): void {
    for (const [bucket, count] of buckets) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
      this.#count += count;
    }
    this.#sumMs += sumMs;
    this.#maxMs = Math.max(this.#maxMs, maxMs);
  }

  data(): HistogramData {
    const buckets: [number, number][] = [];
    this.#counts.forEach((count, bucket) => {
      if (count > 0) buckets.push([bucket, count]);
    });
    return { buckets, sumMs: this.#sumMs, maxMs: this.#maxMs };
  }
}

function bucketOf(value: number): number {
  if (value < SUB_BUCKETS) return value;
  const shift = 31 - Math.clz32(value) - SUB_BUCKET_BITS;
  return SUB_BUCKETS * shift + (value >>> shift);
}

/** The largest value of a bucket. */
function upperEdge(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1;
  return (bucket - SUB_BUCKETS * shift + 1) * 2 ** shift - 1;
}
