import { expect, test } from "vitest";
import { componentMatcher, isPattern, unescaped } from "./glob.ts";

test.each([
  ["*.jpg", ["a.jpg", "ä b.jpg", "a\nb.jpg"], ["a.png", ".jpg", "ajpg", "a.jpg.gz"]],
  ["a?c", ["abc", "a💧c"], ["ac", "abbc"]],
  ["[a-c]x", ["ax", "cx"], ["dx", "-x"]],
  ["[!a-c]x", ["dx"], ["ax", ".x"]],
  ["[]a]x", ["]x", "ax"], ["bx"]],
  ["[a-]x", ["-x", "ax"], ["bx"]],
  ["[c-a]", ["c", "-", "a"], ["b"]],
  ["a[1", ["a[1"], ["a1"]],
  ["[]", ["[]"], ["]"]],
  ["\\*x", ["*x"], ["ax"]],
  [".*", [".env"], ["env"]],
  ["a.b", ["a.b"], ["axb"]],
  ["(a|b)*", ["(a|b)c"], ["ac"]],
  ["**", ["anything"], [".hidden"]],
])("%s matches %j and not %j", (pattern, matched, others) => {
  const matches = componentMatcher(pattern);
  expect(matched.filter((name) => !matches(name))).toEqual([]);
  expect(others.filter(matches)).toEqual([]);
});

test("a hostile run of stars is matched in no time", () => {
  const matches = componentMatcher(`${"*".repeat(5_000)}x`);
  expect(matches("a".repeat(255))).toBe(false);
});

test("a pattern is told from a name, and an escaped name spells itself", () => {
  expect(isPattern("/photos/*.jpg")).toBe(true);
  expect(isPattern("/photos/a.jpg")).toBe(false);
  expect(unescaped("a\\[1\\].jpg")).toBe("a[1].jpg");
});
