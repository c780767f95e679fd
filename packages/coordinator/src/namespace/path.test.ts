import { hasReason } from "@cairnfs/base/errors";
import { expect, test } from "vitest";
import { isAtOrBelow, NAME_BYTES_MAX, PATH_BYTES_MAX, parsePath } from "./path.ts";

test("a path is taken apart into its names", () => {
  expect(parsePath("/photos/2026/ä b.jpg").names).toEqual(["photos", "2026", "ä b.jpg"]);
  expect(parsePath("/").names).toEqual([]);
  expect(parsePath("/...").names).toEqual(["..."]);
  expect(parsePath("/\u{1f600}").names).toEqual(["\u{1f600}"]);
});

test.each([
  ["", /not absolute/],
  ["a/b", /not absolute/],
  ["//", /component 1, "", is empty/],
  ["/a//b", /component 2, "", is empty/],
  ["/a/", /component 2, "", is empty: a path does not end with/],
  ["/a/./b", /component 2, ".", is not a name/],
  ["/..", /component 1, "..", is not a name/],
  ["/a\0b", /component 1, .* contains NUL/],
  ["/x/\ud800", /component 2, .* half of a surrogate pair/],
  ["/\udc00a", /component 1, .* half of a surrogate pair/],
])("the path %j is refused with the component and the rule", (text, message) => {
  try {
    parsePath(text);
    expect.unreachable();
  } catch (error) {
    expect(hasReason(error, "invalidPath")).toBe(true);
    expect(String(error)).toMatch(message);
  }
});

test("a component has at most 255 bytes, counted in UTF-8", () => {
  expect(parsePath(`/${"a".repeat(NAME_BYTES_MAX)}`).names).toHaveLength(1);
  expect(() => parsePath(`/${"a".repeat(NAME_BYTES_MAX + 1)}`)).toThrow(/longer than 255 bytes/);
  expect(parsePath(`/${"€".repeat(85)}`).names).toHaveLength(1);
  expect(() => parsePath(`/${"€".repeat(86)}`)).toThrow(/longer than 255 bytes/);
});

test("a path has at most 4096 bytes in all", () => {
  const atLimit = "/abcdefg".repeat(PATH_BYTES_MAX / 8);
  expect(parsePath(atLimit).names).toHaveLength(PATH_BYTES_MAX / 8);
  expect(() => parsePath(`${atLimit}x`)).toThrow(/at most 4096 bytes/);
});

test("a path is at or below itself and its ancestors, and not below what merely starts alike", () => {
  expect(isAtOrBelow("/a/b", "/a")).toBe(true);
  expect(isAtOrBelow("/a", "/a")).toBe(true);
  expect(isAtOrBelow("/a", "/")).toBe(true);
  expect(isAtOrBelow("/ab", "/a")).toBe(false);
});
