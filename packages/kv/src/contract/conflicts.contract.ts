import { CairnError } from "@cairnfs/base/errors";
import { beforeEach, describe, expect, test } from "vitest";
import type { KvTransaction } from "../kv-store.ts";
import {
  getText,
  key,
  type OpenStore,
  put,
  rangeOf,
  text,
  tick,
  value,
} from "./open-store.contract.ts";

/** Who conflicts with whom, and what becomes of it. */
export function describeKvConflicts(under: OpenStore): void {
  describe("conflicts", () => {
    /** Runs `meanwhile` between the reading and the end of the first attempt of a transaction; how often it ran. */
    async function attemptsWith(
      body: (tx: KvTransaction) => unknown,
      meanwhile: (tx: KvTransaction) => unknown,
    ): Promise<number> {
      let attempts = 0;
      await under.store.transact(async (tx) => {
        attempts += 1;
        await body(tx);
        if (attempts === 1) await under.store.transact(meanwhile);
        tx.put(key("out"), value(`${attempts}`));
      });
      return attempts;
    }

    beforeEach(() => put(under.store, { a: "1", b: "1", c: "1", d: "1", n: "\0".repeat(8) }));

    const READS: readonly (readonly [string, (tx: KvTransaction) => unknown])[] = [
      ["a key", (tx) => tx.get(key("b"))],
      ["a shared value", (tx) => tx.getShared(key("b"))],
      ["many keys", (tx) => tx.getMany([key("a"), key("b")])],
      ["a range", (tx) => rangeOf(tx, "a", "c")],
      ["a range from the end", (tx) => rangeOf(tx, "a", "c", { reverse: true })],
      ["a range up to its limit", (tx) => rangeOf(tx, "a", "z", { limit: 2 })],
      ["a range down to its limit", (tx) => rangeOf(tx, "a", "c", { limit: 1, reverse: true })],
    ];
    const WRITES: readonly (readonly [string, (tx: KvTransaction) => unknown])[] = [
      ["put", async (tx) => tx.put(key("b"), value("2"))],
      ["deleted", async (tx) => tx.delete(key("b"))],
      ["deleted with its range", async (tx) => tx.deleteRange(key("b"), key("b\0"))],
    ];

    for (const [read, body] of READS) {
      for (const [written, meanwhile] of WRITES) {
        test(`who read ${read} conflicts when the key is ${written}`, async () => {
          expect(await attemptsWith(body, meanwhile)).toBe(2);
        });
      }
    }

    const FREE: readonly (readonly [string, (tx: KvTransaction) => unknown, string])[] = [
      ["another key than the one read", (tx) => tx.get(key("b")), "a"],
      ["the end of the range read", (tx) => rangeOf(tx, "a", "c"), "c"],
      ["what lies after a range's last entry", (tx) => rangeOf(tx, "a", "z", { limit: 2 }), "bb"],
      [
        "what lies before a backward range's last entry",
        (tx) => rangeOf(tx, "a", "z", { limit: 2, reverse: true }),
        "cc",
      ],
      ["a key that was only put", async (tx) => tx.put(key("b"), value("3")), "b"],
      [
        "a key that was read only after it was put",
        async (tx) => {
          tx.put(key("b"), value("3"));
          await tx.get(key("b"));
        },
        "b",
      ],
    ];

    for (const [written, body, at] of FREE) {
      test(`writing ${written} is no conflict`, async () => {
        // "n" sorts above "d", so that the backward range has its two entries.
        const meanwhile = async (tx: KvTransaction) => tx.put(key(at), value("2"));
        expect(await attemptsWith(body, meanwhile)).toBe(1);
      });
    }

    test("who found a key absent conflicts when it appears", async () => {
      const body = (tx: KvTransaction) => tx.get(key("x"));
      expect(await attemptsWith(body, async (tx) => tx.put(key("x"), value("1")))).toBe(2);
    });

    test("a listing that would miss a new child conflicts, also an empty one", async () => {
      const create = (at: string) => async (tx: KvTransaction) => tx.put(key(at), value("1"));
      expect(await attemptsWith((tx) => rangeOf(tx, "a", "e"), create("bb"))).toBe(2);
      expect(await attemptsWith((tx) => rangeOf(tx, "x", "y"), create("xx"))).toBe(2);
      // With as many as were asked for, only what comes before the last one counts.
      const firstTwo = (tx: KvTransaction) => rangeOf(tx, "a", "e", { limit: 2 });
      expect(await attemptsWith(firstTwo, create("aa"))).toBe(2);
      const lastTwo = (tx: KvTransaction) => rangeOf(tx, "a", "e", { limit: 2, reverse: true });
      expect(await attemptsWith(lastTwo, create("dd"))).toBe(2);
    });

    test("who read a counter conflicts with additions, and who read a log with appends", async () => {
      const add = async (tx: KvTransaction) => tx.add(key("n"), 1);
      expect(await attemptsWith((tx) => tx.get(key("n")), add)).toBe(2);
      const append = async (tx: KvTransaction) => tx.append(key("log"), value("1"));
      expect(await attemptsWith((tx) => rangeOf(tx, "log", "loh"), append)).toBe(2);
    });

    test("a counter read after one's own addition is read all the same", async () => {
      const body = async (tx: KvTransaction) => {
        tx.add(key("n"), 1);
        await tx.get(key("n"));
      };
      expect(await attemptsWith(body, async (tx) => tx.add(key("n"), 1))).toBe(2);
    });

    test("of two that read a key and write it, none overwrites the other unseen", async () => {
      await put(under.store, { sum: "0" });
      const increment = (slowly: boolean) =>
        under.store.transact(async (tx) => {
          const before = Number(await getText(tx, "sum"));
          if (slowly) await tick();
          tx.put(key("sum"), value(`${before + 1}`));
        });
      await Promise.all(Array.from({ length: 40 }, (_, at) => increment(at % 2 === 0)));
      expect(await under.store.read((reader) => getText(reader, "sum"))).toBe("40");
    });

    test("of two that each read what the other writes, one sees the other's write", async () => {
      for (let round = 0; round < 20; round++) {
        await put(under.store, { x: "on", y: "on" });
        const turnOff = (mine: string, others: string) =>
          under.store.transact(async (tx) => {
            const [own, other] = (await tx.getMany([key(mine), key(others)])).map(text);
            if (round % 2 === 0) await tick();
            if (own === "on" && other === "on") tx.put(key(mine), value("off"));
          });
        await Promise.all([turnOff("x", "y"), turnOff("y", "x")]);
        const state = await under.store.read((reader) => reader.getMany([key("x"), key("y")]));
        expect(state.map(text).sort()).toEqual(["off", "on"]);
      }
    });

    test("bodies that only use the transaction do not conflict, even on one key", async () => {
      let attempts = 0;
      const body = async (tx: KvTransaction) => {
        attempts += 1;
        const [n, all] = [await getText(tx, "hot"), await rangeOf(tx, "a", "z")];
        tx.put(key("hot"), value(`${Number(n ?? 0) + 1}`));
        tx.put(key(`k${all.length}`), value("1"));
        await tx.get(key("hot"));
      };
      await Promise.all(Array.from({ length: 200 }, () => under.store.transact(body)));
      expect(attempts).toBe(200);
      expect(await under.store.read((reader) => getText(reader, "hot"))).toBe("200");
    });

    test("one that meets others' changes every time gives up and says so", async () => {
      let attempts = 0;
      const attempt = under.store.transact(async (tx) => {
        attempts += 1;
        await tx.get(key("a"));
        await put(under.store, { a: `${attempts}` });
        tx.put(key("out"), value("1"));
      });
      await expect(attempt).rejects.toThrow(
        expect.objectContaining({ reason: "transactionConflict" }),
      );
      expect(attempts).toBe(30);
      expect(await under.store.read((reader) => getText(reader, "out"))).toBeUndefined();
    });

    test("an error counts only if what the body read was still so", async () => {
      let attempts = 0;
      const attempt = under.store.transact(async (tx) => {
        attempts += 1;
        const seen = await getText(tx, "a");
        if (attempts === 1) await put(under.store, { a: "2" });
        throw new CairnError("pathExists", `a is ${seen}`);
      });
      await expect(attempt).rejects.toThrow("a is 2");
      expect(attempts).toBe(2);
    });

    test("a body sees one state from its first reading to its last, also in attempts that fail", async () => {
      // The first commit may be on its way to the disk when the body starts, and land while it runs.
      const landing = put(under.store, { x: "1", y: "1" });
      for (let turn = 0; turn < 2; turn++) await tick();
      const seen: (string | undefined)[][] = [];
      await under.store.transact(async (tx) => {
        const x = await getText(tx, "x");
        if (seen.length === 0) {
          await landing;
          await put(under.store, { x: "2", y: "2", y2: "2" });
        }
        const listed = await rangeOf(tx, "x", "z");
        seen.push([x, await getText(tx, "y"), ...listed.map((entry) => text(entry.value))]);
      });
      expect(seen).toEqual([
        ["1", "1", "1", "1"],
        ["2", "2", "2", "2", "2"],
      ]);
    });

    test("one that only reads sees one state, or runs again", async () => {
      await put(under.store, { x: "1", y: "1" });
      const seen = await under.store.transact(async (tx) => {
        const x = await getText(tx, "x");
        if (x === "1") await put(under.store, { x: "2", y: "2" });
        return [x, await getText(tx, "y")];
      });
      expect(seen).toEqual(["2", "2"]);
    });
  });
}
