import { expect, test } from "vitest";
import { childText, readXml } from "./read.ts";
import { escapeXml, textElement } from "./write.ts";

test("a document is read with its names, attributes, texts and references", () => {
  const root = readXml(
    `\ufeff<?xml version="1.0"?><!-- c --><n:A xmlns:n="x" n:type='a &amp; b'> <B>one</B><C/><B>&#x41;&#66;&lt;</B><D><![CDATA[<&>]]></D></n:A>\n`,
  );
  expect(root.name).toBe("A");
  expect(root.attributes).toMatchObject({ type: "a & b" });
  expect(root.children.map(({ name, text }) => [name, text])).toEqual([
    ["B", "one"],
    ["C", ""],
    ["B", "AB<"],
    ["D", "<&>"],
  ]);
  expect(childText(root, "D")).toBe("<&>");
  expect(() => childText(root, "B")).toThrow("well-formed");
});

test.each([
  "",
  "text",
  "<A>",
  "<A></B>",
  "<A/><B/>",
  "<A>&unknown;</A>",
  "<A>&amp</A>",
  "<A>&#0;</A>",
  "<A b=c/>",
  '<!DOCTYPE A [<!ENTITY e "x">]><A>&e;</A>',
  "<A><?pi?></A>",
  "<A".repeat(3),
  `${"<A>".repeat(40)}${"</A>".repeat(40)}`,
])("%j is no document that S3 takes", (text) => {
  expect(() => readXml(text)).toThrow("well-formed");
});

test("text is written so that it reads as it was", () => {
  const text = `<&>"' \u0001\r\n ü`;
  expect(escapeXml(text)).toContain("&#x1;");
  expect(readXml(textElement("A", text)).text).toBe(text);
  expect(textElement("A", undefined)).toBe("");
});
