import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

test.each([
  ["0", 0],
  ["4096", 4096],
  ["64KiB", 65_536],
  ["8 MiB", 8_388_608],
  ["1.5GiB", 1_610_612_736],
  ["10MB", 10_000_000],
  ["2kB", 2_000],
])("%s is %d bytes", (text, sizeBytes) => {
  expect(parseSize(text)).toBe(sizeBytes);
});

test.each(["", "8M", "-1", "MiB", "1.3B", "8 mib", "9999999PiB", "1e3"])(
  "%j is no size",
  (text) => {
    expect(parseSize(text)).toBeUndefined();
  },
);

test.each([
  ["250", 250],
  ["500ms", 500],
  ["10s", 10_000],
  ["1h30m", 5_400_000],
  ["7d", 604_800_000],
  ["1.5 s", 1_500],
])("%s is %d ms", (text, durationMs) => {
  expect(parseDuration(text)).toBe(durationMs);
});

test.each(["", "10 years", "s", "-5s", "1h 30"])("%j is no duration", (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test("what is formatted is read back exactly", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 40 }), (amount) => {
      expect(parseSize(formatSize(amount))).toBe(amount);
      expect(parseDuration(formatDuration(amount))).toBe(amount);
    }),
  );
  expect([
    formatSize(8_388_608),
    formatSize(1500),
    formatDuration(90_000),
    formatDuration(0),
  ]).toEqual(["8MiB", "1500", "90s", "0"]);
});
