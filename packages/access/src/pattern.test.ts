import { expect, test } from "vitest";
import { matches } from "./pattern.ts";

test.each([
  ["", "", true],
  ["", "a", false],
  ["*", "", true],
  ["*", "a/b", true],
  ["a*", "a", true],
  ["*a", "bca", true],
  ["*a", "ab", false],
  ["a*b*c", "a--b--c", true],
  ["a*b*c", "a--c--b", false],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["**?", "x", true],
  ["a.c", "abc", false],
  ["[a-z]", "b", false],
  ["*.jpg", "a.jpg.jpg", true],
])("%j and %j: %j", (pattern, text, expected) => {
  expect(matches(pattern, text)).toBe(expected);
});

test("a pattern made to be slow is not", () => {
  const pattern = `${"*a".repeat(2000)}b`;
  expect(matches(pattern, "a".repeat(4000))).toBe(false);
});

test("the characters that stand for wildcards within are text like any other", () => {
  expect(matches("\ufffe", "abc")).toBe(false);
  expect(matches("\uffff", "a")).toBe(false);
});
