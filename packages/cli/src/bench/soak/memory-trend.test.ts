import { SystemClock } from "@cairnfs/base/clock";
import { expect, test } from "vitest";
import { MemorySampler, Series } from "./memory-trend.ts";

const MIB = 1024 * 1024;
const WATCHED = { name: "one", role: "other", pid: 1 };

/** As much again is mapped. */
function memory(ownBytes: number, peakBytes = 2 * ownBytes) {
  return { residentBytes: 2 * ownBytes, peakBytes, ownBytes };
}

test("the slope is that of the second half, in bytes a minute", () => {
  const series = new Series(WATCHED);
  // It grows steeply while it fills its caches, then by 3 MiB a minute.
  for (let second = 0; second < 600; second++) {
    const late = 200 * MIB + (second / 60) * 3 * MIB;
    series.add(memory(second < 300 ? second * MIB : late), second * 1_000, second >= 300);
  }
  const trend = series.trend();
  expect(trend.slopeBytesPerMinute / MIB).toBeCloseTo(3, 3);
  expect(trend.startBytes).toBe(0);
  expect(trend.peakBytes).toBe(299 * MIB);
  expect(trend.endBytes).toBeCloseTo((200 + (599 / 60) * 3) * MIB);
  expect(trend.peakResidentBytes).toBe(2 * trend.peakBytes);
});

test("a resident peak between two samples counts, and a process that ended is told", () => {
  const series = new Series(WATCHED);
  series.add(memory(10, 50), 0, false);
  series.add(undefined, 1_000, true);
  expect(series.trend()).toMatchObject({
    startBytes: 10,
    peakBytes: 10,
    endBytes: 10,
    peakResidentBytes: 50,
    slopeBytesPerMinute: 0,
    samples: 1,
    isGone: true,
  });
});

test.runIf(process.platform === "linux")("a sampler sees processes as they are", async () => {
  const own = { name: "self", role: "client", pid: process.pid };
  const sampler = new MemorySampler([own], new SystemClock(), 10);
  await sampler.start();
  const [trend] = await sampler.stop();
  expect(trend).toMatchObject({ ...own, samples: 2, isGone: false });
  expect(trend?.startBytes).toBeGreaterThan(10 * MIB);
  expect(trend?.peakBytes).toBeLessThanOrEqual(trend?.peakResidentBytes ?? 0);
});
