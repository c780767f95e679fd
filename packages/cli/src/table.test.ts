import { expect, test } from "vitest";
import { cut, tableLines, width } from "./table.ts";

test("columns are as wide as their widest cell, on the side they were given", () => {
  expect(
    tableLines(
      [{ title: "Name" }, { title: "Size", align: "right" }],
      [
        ["a", "1"],
        ["longer", "1000"],
      ],
    ),
  ).toEqual(["Name    Size", "a          1", "longer  1000"]);
});

test("without titles there is no heading, and nothing trails a line", () => {
  expect(
    tableLines(
      [{ title: "" }, { title: "" }],
      [
        ["a", ""],
        ["b", "c"],
      ],
    ),
  ).toEqual(["a", "b  c"]);
});

test("wide characters take two columns and styling none", () => {
  expect([
    width("abc"),
    width("日本"),
    width("💧"),
    width("\u001b[31mred\u001b[0m"),
    width("é"),
  ]).toEqual([3, 4, 2, 3, 1]);
});

test("a text that is too wide is cut and marked", () => {
  expect([cut("abcdef", 6), cut("abcdef", 5), cut("日本語", 5)]).toEqual([
    "abcdef",
    "abcd…",
    "日本…",
  ]);
});
