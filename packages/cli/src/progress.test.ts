import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { expect, test } from "vitest";
import { Progress, type ProgressState, progressLine } from "./progress.ts";
import { width } from "./table.ts";

const MIB = 1024 * 1024;
const half: ProgressState = {
  label: "holiday.mp4",
  doneBytes: 50 * MIB,
  totalBytes: 100 * MIB,
  doneFiles: 0,
  totalFiles: 1,
  elapsedMs: 2_000,
  bytesPerSecond: 25 * MIB,
};

test("the line says what, how far, how fast and how long still", () => {
  expect(progressLine(half, 100)).toBe(
    "holiday.mp4  │████████████            │  50%  50.0 MiB of 100 MiB  25.0 MiB/s  0:02 left",
  );
});

test("files are counted when there are several, and without a total there is no bar", () => {
  expect(progressLine({ ...half, doneFiles: 3, totalFiles: 1200 }, 120)).toContain("3/1,200 files");
  expect(progressLine({ ...half, totalBytes: undefined }, 100)).toBe(
    "holiday.mp4  50.0 MiB  25.0 MiB/s  0:02",
  );
});

test.each([99, 80, 60, 40, 20, 5])("at %d columns the line fits", (columns) => {
  const state = { ...half, label: "日本語".repeat(20), totalFiles: 1_000_000 };
  expect(width(progressLine(state, columns))).toBeLessThanOrEqual(columns);
});

test("a transfer whose bytes are all sent is finishing, one that stands still is stalled", () => {
  expect(progressLine({ ...half, doneBytes: 100 * MIB }, 100)).toContain("finishing");
  expect(progressLine({ ...half, bytesPerSecond: 0 }, 100)).toContain("stalled");
});

test("an empty file is no division by zero", () => {
  expect(progressLine({ ...half, doneBytes: 0, totalBytes: 0 }, 100)).toContain("0%");
});

test("the line is drawn as time passes and wiped in the end, and no timer is left", async () => {
  const clock = new SimClock();
  let written = "";
  const screen = { columns: 90, write: (text: string) => (written += text) };
  const progress = new Progress(clock, screen);
  progress.start("a.bin", 10 * MIB);
  for (let step = 0; step < 4; step++) {
    progress.add(MIB);
    await clock.advance(250);
  }
  expect(written.split("\r").length).toBeGreaterThan(8);
  expect(written).toContain("4.0 MiB/s");
  progress.fileDone();
  progress.stop();
  expect(written.endsWith("\r\u001b[2K")).toBe(true);
  expect(clock.pendingTimers).toBe(0);
  expect(progress.summary()).toBe("1 file, 4.0 MiB in 1.0 s (4.0 MiB/s)");
});

test("without a screen it only counts", async () => {
  const clock = new SimClock();
  const progress = new Progress(clock, undefined);
  progress.start("a", 1);
  progress.add(1);
  expect(clock.pendingTimers).toBe(0);
  expect(progress.doneBytes).toBe(1);
});
