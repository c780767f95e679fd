import { expect, test } from "vitest";
import {
  clockSpan,
  counted,
  humanAgo,
  humanDuration,
  humanIn,
  humanSize,
  modeText,
  showName,
  shownSize,
} from "./format.ts";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [104_857_600, "100 MiB"],
  [1_048_575, "1.0 MiB"],
  [8 * 2 ** 40, "8.0 TiB"],
  [Number.MAX_SAFE_INTEGER, "8.0 PiB"],
])("%d bytes are %s", (sizeBytes, text) => {
  expect(humanSize(sizeBytes)).toBe(text);
});

test.each([
  [3_600_000 * 5, "in 5 h"],
  [400, "in 0 s"],
  [0, "now"],
  [-5, "now"],
])("what is due after %d ms is due %s", (durationMs, text) => {
  expect(humanIn(durationMs)).toBe(text);
});

test("exact sizes are digits alone", () => {
  expect(shownSize(1_234_567, true)).toBe("1234567");
});

test("spans of time are short and never wrong by a unit", () => {
  expect([300, 12_000, 59_700, 185_000, 7_385_000].map(humanDuration)).toEqual([
    "0.3 s",
    "12 s",
    "1:00",
    "3:05",
    "2:03:05",
  ]);
  expect(clockSpan(5)).toBe("0:05");
  expect([4_000, 200_000, 7_200_000, 3 * 86_400_000].map(humanAgo)).toEqual([
    "4 s ago",
    "3 min ago",
    "2 h ago",
    "3 days ago",
  ]);
});

test("counts agree with their nouns", () => {
  expect([counted(1, "file"), counted(1203, "file"), counted(2, "copy", "copies")]).toEqual([
    "1 file",
    "1,203 files",
    "2 copies",
  ]);
});

test("permission bits are shown as ls shows them", () => {
  expect([modeText(0o644, false), modeText(0o1755, true)]).toEqual(["-rw-r--r--", "drwxr-xr-x"]);
});

test("a name cannot steer the terminal", () => {
  expect(showName("a\u001b[2Jb\nc\u202ed.jpg")).toBe("a\\u{1b}[2Jb\\nc\\u{202e}d.jpg");
  expect(showName("größe 💧.txt")).toBe("größe 💧.txt");
});
