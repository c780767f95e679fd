import { expect, test } from "vitest";
import { isUsageNews } from "./disk-usage.ts";

function usage(availableBytes: number, capacityBytes = 1000) {
  return {
    capacityBytes,
    usedBytes: capacityBytes - availableBytes,
    availableBytes,
    chunkCount: 0,
  };
}

test("a change is news from a twentieth of the capacity on", () => {
  expect(isUsageNews(usage(800), usage(751))).toBe(false);
  expect(isUsageNews(usage(800), usage(750))).toBe(true);
  expect(isUsageNews(usage(800), usage(849))).toBe(false);
  expect(isUsageNews(usage(800), usage(850))).toBe(true);
});

test("near full the steps are smaller", () => {
  expect(isUsageNews(usage(40), usage(31))).toBe(false);
  expect(isUsageNews(usage(40), usage(30))).toBe(true);
});

test("being full, having room again and another capacity are always news", () => {
  expect(isUsageNews(usage(1), usage(0))).toBe(true);
  expect(isUsageNews(usage(0), usage(1))).toBe(true);
  expect(isUsageNews(usage(500), usage(500, 1001))).toBe(true);
  expect(isUsageNews(usage(500), usage(500))).toBe(false);
});

test("a disk that fills byte by byte makes few updates", () => {
  let published = usage(1e6, 1e6);
  let updates = 0;
  for (let availableBytes = 1e6; availableBytes >= 0; availableBytes -= 10) {
    const now = usage(availableBytes, 1e6);
    if (!isUsageNews(published, now)) continue;
    published = now;
    updates += 1;
  }
  expect(updates).toBeLessThan(80);
});
