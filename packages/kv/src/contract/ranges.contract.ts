import { Prng } from "@cairnfs/base/random";
import { beforeEach, describe, expect, test } from "vitest";
import { keyAfter, prefixEnd } from "../ordered-key.ts";
import {
  getText,
  key,
  keyOf,
  type OpenStore,
  put,
  rangeOf,
  text,
  value,
} from "./open-store.contract.ts";

/** Ranges, their order and their ends. */
export function describeKvRanges(under: OpenStore): void {
  describe("ranges", () => {
    const KEYS = ["a", "a\0", "aa", "ab", "b", "ba", "c", "\xff", "\xff\xff"];

    beforeEach(() => put(under.store, Object.fromEntries(KEYS.map((at) => [at, `=${at}`]))));

    const CASES: readonly (readonly [string, string, number, string])[] = [
      ["", "\xff\xff\xff", 100, "a a\0 aa ab b ba c \xff \xff\xff"],
      ["a", "b", 100, "a a\0 aa ab"],
      ["a\0", "ab", 100, "a\0 aa"],
      ["a", "b", 3, "a a\0 aa"],
      ["a", "b", 4, "a a\0 aa ab"],
      ["a", "b", 5, "a a\0 aa ab"],
      ["aaa", "ab", 1, ""],
      ["b", "b", 10, ""],
      ["c", "a", 10, ""],
      ["a", "", 10, ""],
      ["bb", "\xff\0", 10, "c \xff"],
      ["\xff", "\xff\xff\xff", 10, "\xff \xff\xff"],
    ];

    test.each(CASES)("from %j to %j, at most %i, are %j", async (start, end, limit, expected) => {
      for (const read of [
        under.store.read.bind(under.store),
        under.store.transact.bind(under.store),
      ]) {
        const found = await read((reader) => rangeOf(reader, start, end, { limit }));
        expect(found.map((entry) => keyOf(entry)).join(" ")).toBe(expected);
        expect(found.every((entry) => text(entry.value) === `=${keyOf(entry)}`)).toBe(true);
        const all = (await read((reader) => rangeOf(reader, start, end))).map(keyOf).reverse();
        const backwards = await read((reader) =>
          rangeOf(reader, start, end, { limit, reverse: true }),
        );
        expect(backwards.map(keyOf)).toEqual(all.slice(0, limit));
      }
    });

    test("the range of a prefix holds what begins with it and nothing else", async () => {
      for (const [prefix, expected] of [
        ["a", ["a", "a\0", "aa", "ab"]],
        ["b", ["b", "ba"]],
        ["d", []],
      ] as const) {
        const range = { start: key(prefix), end: prefixEnd(key(prefix)), limit: 100 };
        const found = await under.store.read((reader) => reader.range(range));
        expect(found.map(keyOf)).toEqual(expected);
      }
    });

    test("show the transaction's own writes in their places, cut and counted as if committed", async () => {
      await under.store.transact(async (tx) => {
        tx.put(key("a\0\0"), value("new"));
        tx.put(key("aa"), value("changed"));
        tx.delete(key("ab"));
        tx.delete(key("never"));
        tx.put(key("z"), value("new"));
        const found = async (limit: number, reverse: boolean) =>
          (await rangeOf(tx, "a", "zz", { limit, reverse })).map(
            (entry) => `${keyOf(entry)}${text(entry.value)}`,
          );
        const all = ["a=a", "a\0=a\0", "a\0\0new", "aachanged", "b=b", "ba=ba", "c=c", "znew"];
        for (let limit = 1; limit <= all.length + 1; limit++) {
          expect(await found(limit, false)).toEqual(all.slice(0, limit));
          expect(await found(limit, true)).toEqual(all.toReversed().slice(0, limit));
        }
      });
    });

    test("are deleted whole, and what is put after that stays", async () => {
      await under.store.transact(async (tx) => {
        tx.put(key("ab"), value("before"));
        tx.put(key("ac"), value("before"));
        tx.deleteRange(key("a\0"), key("ba"));
        tx.put(key("aa"), value("after"));
        tx.deleteRange(key("x"), key("x"));
        tx.deleteRange(key("y"), key("b"));
        expect(await getText(tx, "a\0")).toBeUndefined();
        expect(await getText(tx, "aa")).toBe("after");
        const found = await rangeOf(tx, "a", "\xff");
        expect(found.map(keyOf)).toEqual(["a", "aa", "ba", "c"]);
        const backwards = await rangeOf(tx, "a", "\xff", { reverse: true, limit: 3 });
        expect(backwards.map(keyOf)).toEqual(["c", "ba", "aa"]);
      });
      const left = await under.store.read((reader) => rangeOf(reader, "", "\xff\xff\xff"));
      expect(left.map(keyOf)).toEqual(["a", "aa", "ba", "c", "\xff", "\xff\xff"]);
    });

    test("of thousands of keys come in order, page after page", async () => {
      const random = new Prng(5);
      const names = Array.from({ length: 3000 }, (_, at) => `p${at.toString().padStart(5, "0")}`);
      const shuffled = names.toSorted(() => random.next() - 0.5);
      for (let at = 0; at < names.length; at += 500) {
        await put(under.store, Object.fromEntries(shuffled.slice(at, at + 500).map((n) => [n, n])));
      }
      const found: string[] = [];
      let start: Uint8Array = key("p");
      for (;;) {
        const page = { start, end: prefixEnd(key("p")), limit: 700 };
        const entries = await under.store.read((reader) => reader.range(page));
        found.push(...entries.map(keyOf));
        const last = entries.at(-1);
        if (last === undefined) break;
        start = keyAfter(last.key);
      }
      expect(found).toEqual(names);
    });
  });
}
