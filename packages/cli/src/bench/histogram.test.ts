import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { Histogram } from "./histogram.ts";

test("percentiles are within a hundredth of those of the sorted spans, and the maximum is exact", () => {
  const random = new Prng(11);
  const spans = Array.from({ length: 20_000 }, () => 10 ** (random.next() * 7 - 3));
  const histogram = new Histogram();
  for (const span of spans) histogram.record(span);
  spans.sort((one, other) => one - other);
  for (const share of [0.01, 0.5, 0.95, 0.99, 0.999, 1]) {
    const exact = spans[Math.ceil(share * spans.length) - 1] ?? 0;
    expect(Math.abs(histogram.percentileMs(share) - exact)).toBeLessThanOrEqual(
      exact * 0.01 + 0.001,
    );
  }
  expect(histogram.maxMs).toBe(spans.at(-1));
  expect(histogram.meanMs).toBeCloseTo(spans.reduce((sum, span) => sum + span) / spans.length, 6);
});

test("what lies on the edges of buckets is counted once and read back as it was", () => {
  for (const value of [0, 1, 127, 128, 255, 256, 257, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1]) {
    const histogram = new Histogram();
    histogram.record(value / 1000);
    expect(histogram.count).toBe(1);
    expect(histogram.percentileMs(0.5)).toBe(value / 1000);
    expect(histogram.data().buckets).toHaveLength(1);
  }
});

test("a span longer than all buckets counts as the last one", () => {
  const histogram = new Histogram();
  histogram.record(1e12);
  histogram.record(-1);
  expect(histogram.count).toBe(2);
  expect(histogram.maxMs).toBe(1e12);
});

test("two that were put together are as one that has seen everything", () => {
  const random = new Prng(12);
  const [one, other, both] = [new Histogram(), new Histogram(), new Histogram()];
  for (let round = 0; round < 1_000; round++) {
    const span = random.next() * 500;
    (round % 3 === 0 ? one : other).record(span);
    both.record(span);
  }
  const merged = Histogram.from(JSON.parse(JSON.stringify(one.data())));
  merged.add(other.data());
  expect(merged.data().buckets).toEqual(both.data().buckets);
  expect(merged.percentileMs(0.99)).toBe(both.percentileMs(0.99));
  expect(merged.maxMs).toBe(both.maxMs);
});

test("without a span every percentile is nought", () => {
  expect(new Histogram().percentileMs(0.99)).toBe(0);
  expect(new Histogram().meanMs).toBe(0);
});
