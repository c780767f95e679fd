import { type Clock, SystemClock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { Prng, randomBelow } from "@cairnfs/base/random";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { counterBytes, counterValue } from "./counter.ts";
import type { KvEntry, KvReader, KvStore, KvTransaction } from "./kv-store.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "./limits.ts";
import { keyAfter, prefixEnd } from "./ordered-key.ts";

export interface StoreUnderTest {
  readonly store: KvStore;
  /** Closes the store and opens it again, for those that keep anything. */
  readonly reopen?: () => Promise<KvStore>;
  readonly dispose?: () => PromiseLike<void>;
}

/** The system's clock, but pauses between attempts last one round of the event loop. */
export class HastyClock extends SystemClock implements Clock {
  override async sleep(_delayMs: number, signal?: AbortSignal): Promise<void> {
    await tick();
    signal?.throwIfAborted();
  }
}

/** Everything that each driver of the store promises. */
export function describeKvStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    // One store serves the tests one after the other, emptied in between: opening one can take a while.
    let opened: StoreUnderTest | undefined;
    let store: KvStore;

    beforeEach(async () => {
      if (opened === undefined) {
        opened = await open();
        store = opened.store;
      }
      await store.transact(async (tx) => tx.deleteRange(Buffer.alloc(0), Buffer.alloc(9, 0xff)));
    });

    afterAll(() => closeStore());

    async function closeStore(): Promise<void> {
      await store.close();
      await opened?.dispose?.();
      opened = undefined;
    }

    describe("reading and writing", () => {
      test("what was put is read back, by transactions and by readers", async () => {
        await put(store, { a: "1", b: "" });
        for (const read of [store.read.bind(store), store.transact.bind(store)]) {
          expect(await read((reader) => getText(reader, "a"))).toBe("1");
          expect(await read((reader) => getText(reader, "b"))).toBe("");
          expect(await read((reader) => getText(reader, "c"))).toBeUndefined();
          const many = await read((reader) => reader.getMany([key("b"), key("x"), key("a")]));
          expect(many.map(text)).toEqual(["", undefined, "1"]);
        }
      });

      test("a deleted key is gone, and deleting what is not there is no error", async () => {
        await put(store, { a: "1", b: "2" });
        await store.transact(async (tx) => {
          tx.delete(key("a"));
          tx.delete(key("never"));
        });
        expect(await contents(store)).toEqual({ b: "2" });
      });

      test("a transaction sees its own writes before anybody else does", async () => {
        await put(store, { a: "old", b: "old" });
        await store.transact(async (tx) => {
          tx.put(key("a"), value("new"));
          tx.delete(key("b"));
          tx.put(key("c"), value("new"));
          expect(await getText(tx, "a")).toBe("new");
          expect(await getText(tx, "b")).toBeUndefined();
          expect((await tx.getMany([key("c"), key("b")])).map(text)).toEqual(["new", undefined]);
          expect(await contents(store)).toEqual({ a: "old", b: "old" });
        });
        expect(await contents(store)).toEqual({ a: "new", c: "new" });
      });

      test("the bytes that were put or read can be overwritten without harm to the store", async () => {
        const given = Buffer.from("before");
        const givenKey = Buffer.from("k");
        await store.transact(async (tx) => {
          tx.put(givenKey, given);
          given.fill(0);
          givenKey.fill(0);
          (await tx.get(key("k")))?.fill(0);
          expect(await getText(tx, "k")).toBe("before");
        });
        for (const read of [store.read.bind(store), store.transact.bind(store)]) {
          await read(async (reader) => {
            (await reader.get(key("k")))?.fill(0);
            const [entry] = await rangeOf(reader, "a", "z");
            entry?.key.fill(0);
            entry?.value.fill(0);
            expect(await getText(reader, "k")).toBe("before");
          });
        }
        expect(await contents(store)).toEqual({ k: "before" });
      });

      test("a transaction's value is what its body returned", async () => {
        expect(await store.transact(async () => 42)).toBe(42);
        expect(await store.read(async () => "read")).toBe("read");
      });

      test("a body that throws writes nothing, and its error comes through as it is", async () => {
        const failure = new Error("no");
        const attempt = store.transact(async (tx) => {
          tx.put(key("a"), value("1"));
          tx.add(key("n"), 1);
          tx.append(key("log"), value("1"));
          throw failure;
        });
        await expect(attempt).rejects.toBe(failure);
        expect(await contents(store)).toEqual({});
        await expect(store.read(async () => Promise.reject(failure))).rejects.toBe(failure);
      });

      test("a transaction and a reader cannot be used after their bodies have ended", async () => {
        let kept: KvTransaction | undefined;
        let keptReader: KvReader | undefined;
        await store.transact(async (tx) => {
          kept = tx;
        });
        await store.read(async (reader) => {
          keptReader = reader;
        });
        await expect(kept?.get(key("a"))).rejects.toThrow("after its body had ended");
        expect(() => kept?.put(key("a"), value("1"))).toThrow("after its body had ended");
        await expect(keptReader?.get(key("a"))).rejects.toThrow("after its body had ended");
      });
    });

    describe("ranges", () => {
      const KEYS = ["a", "a\0", "aa", "ab", "b", "ba", "c", "\xff", "\xff\xff"];

      beforeEach(() => put(store, Object.fromEntries(KEYS.map((at) => [at, `=${at}`]))));

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
        for (const read of [store.read.bind(store), store.transact.bind(store)]) {
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
          const found = await store.read((reader) => reader.range(range));
          expect(found.map(keyOf)).toEqual(expected);
        }
      });

      test("show the transaction's own writes in their places, cut and counted as if committed", async () => {
        await store.transact(async (tx) => {
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
        await store.transact(async (tx) => {
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
        const left = await store.read((reader) => rangeOf(reader, "", "\xff\xff\xff"));
        expect(left.map(keyOf)).toEqual(["a", "aa", "ba", "c", "\xff", "\xff\xff"]);
      });

      test("of thousands of keys come in order, page after page", async () => {
        const random = new Prng(5);
        const names = Array.from({ length: 3000 }, (_, at) => `p${at.toString().padStart(5, "0")}`);
        const shuffled = names.toSorted(() => random.next() - 0.5);
        for (let at = 0; at < names.length; at += 500) {
          await put(store, Object.fromEntries(shuffled.slice(at, at + 500).map((n) => [n, n])));
        }
        const found: string[] = [];
        let start: Uint8Array = key("p");
        for (;;) {
          const page = { start, end: prefixEnd(key("p")), limit: 700 };
          const entries = await store.read((reader) => reader.range(page));
          found.push(...entries.map(keyOf));
          const last = entries.at(-1);
          if (last === undefined) break;
          start = keyAfter(last.key);
        }
        expect(found).toEqual(names);
      });
    });

    describe("limits", () => {
      const longest = Buffer.alloc(KEY_BYTES_MAX, 0x61);
      const tooLong = Buffer.alloc(KEY_BYTES_MAX + 1, 0x61);
      const refused = expect.objectContaining({ reason: "invalidArgument" });

      test("a key of the greatest length is stored, read, found in a range and deleted", async () => {
        await store.transact(async (tx) => tx.put(longest, value("long")));
        await store.read(async (reader) => {
          expect(text(await reader.get(longest))).toBe("long");
          const range = { start: longest, end: keyAfter(longest), limit: 1 };
          expect(await reader.range(range)).toHaveLength(1);
          expect(await reader.range({ ...range, reverse: true })).toHaveLength(1);
        });
        await store.transact(async (tx) => tx.deleteRange(longest, keyAfter(longest)));
        expect(await contents(store)).toEqual({});
      });

      test("a key that is empty or too long is refused by every call, and the store stays well", async () => {
        for (const bad of [tooLong, Buffer.alloc(0)]) {
          await store.transact(async (tx) => {
            expect(() => tx.put(bad, value("1"))).toThrow(refused);
            expect(() => tx.delete(bad)).toThrow(refused);
            expect(() => tx.add(bad, 1)).toThrow(refused);
            await expect(tx.get(bad)).rejects.toThrow(refused);
            await expect(tx.getMany([key("a"), bad])).rejects.toThrow(refused);
          });
          await store.read(async (reader) => {
            await expect(reader.get(bad)).rejects.toThrow(refused);
            await expect(reader.getMany([bad])).rejects.toThrow(refused);
          });
          await expect(store.transact(async (tx) => tx.put(bad, value("1")))).rejects.toThrow(
            refused,
          );
        }
        await put(store, { a: "1" });
        expect(await contents(store)).toEqual({ a: "1" });
      });

      test("a bound of a range that is longer than any key needs is refused", async () => {
        const wayTooLong = Buffer.alloc(KEY_BYTES_MAX + 2, 0x61);
        for (const read of [store.read.bind(store), store.transact.bind(store)]) {
          await read(async (reader) => {
            const range = { start: key("a"), end: wayTooLong, limit: 1 };
            await expect(reader.range(range)).rejects.toThrow(refused);
            await expect(
              reader.range({ ...range, start: wayTooLong, end: key("b") }),
            ).rejects.toThrow(refused);
          });
        }
        await store.transact(async (tx) => {
          expect(() => tx.deleteRange(key("a"), wayTooLong)).toThrow(refused);
        });
      });

      test("a value of 4 MiB is stored, and one byte more is refused", async () => {
        const largest = Buffer.alloc(VALUE_BYTES_MAX, 7);
        await store.transact(async (tx) => tx.put(key("v"), largest));
        expect(
          largest.equals((await store.read((reader) => reader.get(key("v")))) ?? Buffer.alloc(0)),
        ).toBe(true);
        const [entry] = await store.read((reader) => rangeOf(reader, "v", "w"));
        expect(largest.equals(entry?.value ?? Buffer.alloc(0))).toBe(true);
        const tooLarge = Buffer.alloc(VALUE_BYTES_MAX + 1);
        await store.transact(async (tx) => {
          expect(() => tx.put(key("v"), tooLarge)).toThrow(refused);
          expect(() => tx.append(key("log"), tooLarge)).toThrow(refused);
        });
      });

      test("a range of no, too many or half entries is refused", async () => {
        for (const limit of [0, -1, 10_001, 1.5, Number.NaN]) {
          for (const read of [store.read.bind(store), store.transact.bind(store)]) {
            const attempt = read((reader) => rangeOf(reader, "a", "b", { limit }));
            await expect(attempt).rejects.toThrow(refused);
          }
        }
        expect(await store.read((reader) => rangeOf(reader, "a", "b", { limit: 10_000 }))).toEqual(
          [],
        );
      });

      test("a transaction writes up to 64 MiB, and is refused more", async () => {
        const part = Buffer.alloc(VALUE_BYTES_MAX - 100);
        await store.transact(async (tx) => {
          for (let at = 0; at < 16; at++) tx.put(key(`part ${at}`), part);
          expect(() => tx.put(key("one more"), part)).toThrow(refused);
          tx.deleteRange(key("part"), key("q"));
        });
        expect(await contents(store)).toEqual({});
      });

      test("a log's prefix leaves room for the position, or is refused", async () => {
        await store.transact(async (tx) => {
          expect(() => tx.append(longest.subarray(11), value("1"))).toThrow(refused);
          tx.append(longest.subarray(12), value("1"));
        });
        const log = await store.read((reader) => rangeOf(reader, "a", "b"));
        expect(log.map((entry) => entry.key.byteLength)).toEqual([KEY_BYTES_MAX]);
      });
    });

    describe("counters", () => {
      test("count up and down from nothing, in eight bytes of two's complement", async () => {
        for (const [delta, hex] of [
          [1, "0000000000000001"],
          [-2, "ffffffffffffffff"],
          [2 ** 40, "000000ffffffffff"],
          [-(2 ** 40) + 1, "0000000000000000"],
        ] as const) {
          await store.transact(async (tx) => tx.add(key("n"), delta));
          const bytes = await store.read((reader) => reader.get(key("n")));
          expect(Buffer.from(bytes ?? []).toString("hex")).toBe(hex);
        }
      });

      test("mix with the transaction's other writes in the order they were made", async () => {
        await store.transact(async (tx) => tx.add(key("n"), 10));
        await store.transact(async (tx) => {
          tx.add(key("n"), 5);
          expect(counterValue(await tx.get(key("n")))).toBe(15);
          const [entry] = await rangeOf(tx, "a", "z");
          expect(counterValue(entry?.value)).toBe(15);
          tx.add(key("n"), 1);
          tx.add(key("m"), 7);
          expect((await rangeOf(tx, "a", "z")).map((e) => counterValue(e.value))).toEqual([7, 16]);
          tx.delete(key("n"));
          tx.add(key("n"), 3);
          tx.put(key("o"), counterBytes(100));
          tx.add(key("o"), -1);
          tx.deleteRange(key("m"), key("n"));
          tx.add(key("m"), 2);
        });
        const found = await store.read((reader) => rangeOf(reader, "a", "z"));
        expect(found.map((entry) => `${keyOf(entry)}${counterValue(entry.value)}`)).toEqual([
          "m2",
          "n3",
          "o99",
        ]);
      });

      test("never conflict with each other, however many there are at once", async () => {
        let attempts = 0;
        const adding = Array.from({ length: 50 }, (_, at) =>
          store.transact(async (tx) => {
            attempts += 1;
            await tick();
            tx.add(key("n"), at);
            await tick();
          }),
        );
        await Promise.all(adding);
        expect(attempts).toBe(50);
        expect(counterValue(await store.read((reader) => reader.get(key("n"))))).toBe(1225);
      });

      test("refuse numbers that are not safe integers", async () => {
        await store.transact(async (tx) => {
          for (const delta of [0.5, 2 ** 53, Number.NaN]) {
            expect(() => tx.add(key("n"), delta)).toThrow("expected a safe integer");
          }
        });
      });
    });

    describe("logs", () => {
      test("are in the order of commits, and within a commit in the order of appends", async () => {
        for (let at = 0; at < 5; at++) {
          await store.transact(async (tx) => {
            tx.append(key("log"), value(`${at}a`));
            tx.append(key("other"), value(`${at}`));
            tx.append(key("log"), value(`${at}b`));
          });
        }
        const log = await store.read((reader) => rangeOf(reader, "log", "loh"));
        expect(log.map((entry) => text(entry.value)).join(" ")).toBe(
          "0a 0b 1a 1b 2a 2b 3a 3b 4a 4b",
        );
        expect(log.every((entry) => entry.key.byteLength === 3 + 12)).toBe(true);
        expect(await store.read((reader) => rangeOf(reader, "other", "othes"))).toHaveLength(5);
      });

      test("never conflict when appended to, however many do so at once", async () => {
        let attempts = 0;
        const appending = Array.from({ length: 50 }, (_, at) =>
          store.transact(async (tx) => {
            attempts += 1;
            await tick();
            tx.append(key("log"), value(`${at}`));
          }),
        );
        await Promise.all(appending);
        expect(attempts).toBe(50);
        expect(await store.read((reader) => rangeOf(reader, "log", "loh"))).toHaveLength(50);
      });

      test("show nothing new before a position that a reader has seen", async () => {
        const writing = (async () => {
          for (let at = 0; at < 100; at++) {
            await Promise.all(
              [0, 1, 2].map((writer) =>
                store.transact(async (tx) => {
                  if (writer > 0) await tick();
                  tx.append(key("log"), value(`${at}.${writer}`));
                }),
              ),
            );
          }
        })();
        let isDone = false;
        const done = writing.then(() => {
          isDone = true;
        });
        const seen: string[] = [];
        let start: Uint8Array = key("log");
        for (let isLast = false; ; isLast = isDone) {
          const page = { start, end: prefixEnd(key("log")), limit: 10_000 };
          const entries = await store.read((reader) => reader.range(page));
          seen.push(...entries.map((entry) => text(entry.value) ?? ""));
          const last = entries.at(-1);
          if (last !== undefined) start = keyAfter(last.key);
          if (isLast) break;
          await tick();
        }
        await done;
        const all = await store.read((reader) => rangeOf(reader, "log", "loh", { limit: 10_000 }));
        expect(seen).toEqual(all.map((entry) => text(entry.value)));
        expect(new Set(seen).size).toBe(300);
      });

      test("tell their listeners of appends, and only of those, until the listeners leave", async () => {
        let calls = 0;
        const leave = store.onAppend(() => {
          calls += 1;
        });
        await put(store, { a: "1" });
        await tick();
        expect(calls).toBe(0);
        await store.transact(async (tx) => tx.append(key("log"), value("1")));
        await tick();
        expect(calls).toBe(1);
        leave();
        leave();
        await store.transact(async (tx) => tx.append(key("log"), value("2")));
        await tick();
        expect(calls).toBe(1);
      });
    });

    describe("conflicts", () => {
      /** Runs `meanwhile` between the reading and the end of the first attempt of a transaction; how often it ran. */
      async function attemptsWith(
        body: (tx: KvTransaction) => Promise<unknown>,
        meanwhile: (tx: KvTransaction) => Promise<unknown>,
      ): Promise<number> {
        let attempts = 0;
        await store.transact(async (tx) => {
          attempts += 1;
          await body(tx);
          if (attempts === 1) await store.transact(meanwhile);
          tx.put(key("out"), value(`${attempts}`));
        });
        return attempts;
      }

      beforeEach(() => put(store, { a: "1", b: "1", c: "1", d: "1", n: "\0".repeat(8) }));

      const READS: readonly (readonly [string, (tx: KvTransaction) => Promise<unknown>])[] = [
        ["a key", (tx) => tx.get(key("b"))],
        ["many keys", (tx) => tx.getMany([key("a"), key("b")])],
        ["a range", (tx) => rangeOf(tx, "a", "c")],
        ["a range from the end", (tx) => rangeOf(tx, "a", "c", { reverse: true })],
        ["a range up to its limit", (tx) => rangeOf(tx, "a", "z", { limit: 2 })],
        ["a range down to its limit", (tx) => rangeOf(tx, "a", "c", { limit: 1, reverse: true })],
      ];
      const WRITES: readonly (readonly [string, (tx: KvTransaction) => Promise<unknown>])[] = [
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

      const FREE: readonly (readonly [string, (tx: KvTransaction) => Promise<unknown>, string])[] =
        [
          ["another key than the one read", (tx) => tx.get(key("b")), "a"],
          ["the end of the range read", (tx) => rangeOf(tx, "a", "c"), "c"],
          [
            "what lies after a range's last entry",
            (tx) => rangeOf(tx, "a", "z", { limit: 2 }),
            "bb",
          ],
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
        await put(store, { sum: "0" });
        const increment = (slowly: boolean) =>
          store.transact(async (tx) => {
            const before = Number(await getText(tx, "sum"));
            if (slowly) await tick();
            tx.put(key("sum"), value(`${before + 1}`));
          });
        await Promise.all(Array.from({ length: 40 }, (_, at) => increment(at % 2 === 0)));
        expect(await store.read((reader) => getText(reader, "sum"))).toBe("40");
      });

      test("of two that each read what the other writes, one sees the other's write", async () => {
        for (let round = 0; round < 20; round++) {
          await put(store, { x: "on", y: "on" });
          const turnOff = (mine: string, others: string) =>
            store.transact(async (tx) => {
              const [own, other] = (await tx.getMany([key(mine), key(others)])).map(text);
              if (round % 2 === 0) await tick();
              if (own === "on" && other === "on") tx.put(key(mine), value("off"));
            });
          await Promise.all([turnOff("x", "y"), turnOff("y", "x")]);
          const state = await store.read((reader) => reader.getMany([key("x"), key("y")]));
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
        await Promise.all(Array.from({ length: 200 }, () => store.transact(body)));
        expect(attempts).toBe(200);
        expect(await store.read((reader) => getText(reader, "hot"))).toBe("200");
      });

      test("one that meets others' changes every time gives up and says so", async () => {
        let attempts = 0;
        const attempt = store.transact(async (tx) => {
          attempts += 1;
          await tx.get(key("a"));
          await put(store, { a: `${attempts}` });
          tx.put(key("out"), value("1"));
        });
        await expect(attempt).rejects.toThrow(
          expect.objectContaining({ reason: "transactionConflict" }),
        );
        expect(attempts).toBe(30);
        expect(await store.read((reader) => getText(reader, "out"))).toBeUndefined();
      });

      test("an error counts only if what the body read was still so", async () => {
        let attempts = 0;
        const attempt = store.transact(async (tx) => {
          attempts += 1;
          const seen = await getText(tx, "a");
          if (attempts === 1) await put(store, { a: "2" });
          throw new CairnError("pathExists", `a is ${seen}`);
        });
        await expect(attempt).rejects.toThrow("a is 2");
        expect(attempts).toBe(2);
      });

      test("a body sees one state from its first reading to its last, also in attempts that fail", async () => {
        // The first commit may be on its way to the disk when the body starts, and land while it runs.
        const landing = put(store, { x: "1", y: "1" });
        for (let turn = 0; turn < 2; turn++) await tick();
        const seen: (string | undefined)[][] = [];
        await store.transact(async (tx) => {
          const x = await getText(tx, "x");
          if (seen.length === 0) {
            await landing;
            await put(store, { x: "2", y: "2", y2: "2" });
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
        await put(store, { x: "1", y: "1" });
        const seen = await store.transact(async (tx) => {
          const x = await getText(tx, "x");
          if (x === "1") await put(store, { x: "2", y: "2" });
          return [x, await getText(tx, "y")];
        });
        expect(seen).toEqual(["2", "2"]);
      });
    });

    describe("readers", () => {
      test("see one state, whatever is committed meanwhile", async () => {
        await put(store, { a: "1", b: "1" });
        await store.read(async (reader) => {
          expect(await getText(reader, "a")).toBe("1");
          await put(store, { a: "2", b: "2", bb: "2" });
          await tick();
          expect((await reader.getMany([key("a"), key("b")])).map(text)).toEqual(["1", "1"]);
          expect((await rangeOf(reader, "a", "z")).map(keyOf)).toEqual(["a", "b"]);
        });
        expect(await contents(store)).toEqual({ a: "2", b: "2", bb: "2" });
      });

      test("see both of a pair or none, while pairs are written", async () => {
        let isDone = false;
        const writing = (async () => {
          for (let at = 0; at < 200; at++) await put(store, { x: `${at}`, y: `${at}` });
          isDone = true;
        })();
        let last = -1;
        while (!isDone) {
          const [x, y] = await store.read(async (reader) => {
            const first = await getText(reader, "x");
            await tick();
            return [first, await getText(reader, "y")];
          });
          expect(x).toBe(y);
          expect(Number(x ?? -1)).toBeGreaterThanOrEqual(last);
          last = Number(x ?? -1);
        }
        await writing;
      });
    });

    describe("signals and closing", () => {
      test("a signal that has fired keeps the body from running", async () => {
        const attempt = store.transact(async () => expect.unreachable(), {
          signal: AbortSignal.abort(),
        });
        await expect(attempt).rejects.toThrow(expect.objectContaining({ reason: "cancelled" }));
      });

      test("a signal that fires during the body keeps its writes from being stored", async () => {
        const controller = new AbortController();
        const attempt = store.transact(
          async (tx) => {
            tx.put(key("a"), value("1"));
            controller.abort(new CairnError("deadlineExceeded", "too late"));
          },
          { signal: controller.signal },
        );
        await expect(attempt).rejects.toThrow("too late");
        expect(await contents(store)).toEqual({});
      });

      test("a signal ends the wait for a turn, and that between attempts", async () => {
        const controller = new AbortController();
        const slow = store.transact(async () => tick());
        const waiting = store.transact(async () => expect.unreachable(), {
          signal: controller.signal,
        });
        controller.abort();
        await expect(waiting).rejects.toThrow(expect.objectContaining({ reason: "cancelled" }));
        await slow;

        const later = new AbortController();
        let attempts = 0;
        const conflicting = store.transact(
          async (tx) => {
            attempts += 1;
            await tx.get(key("a"));
            await put(store, { a: `${attempts}` });
            if (attempts === 3) queueMicrotask(() => queueMicrotask(() => later.abort()));
          },
          { signal: later.signal },
        );
        await expect(conflicting).rejects.toThrow(expect.objectContaining({ reason: "cancelled" }));
        expect(attempts).toBe(3);
      });

      test("closing waits for what is under way and refuses what comes after", async () => {
        const slow = store.transact(async (tx) => {
          await tick();
          tx.put(key("a"), value("1"));
          return "stored";
        });
        const reading = store.read(async (reader) => {
          await tick();
          return getText(reader, "a");
        });
        const closing = store.close();
        const refused = expect.objectContaining({ reason: "shuttingDown" });
        await expect(store.transact(async () => expect.unreachable())).rejects.toThrow(refused);
        await expect(store.read(async () => expect.unreachable())).rejects.toThrow(refused);
        expect(await slow).toBe("stored");
        expect(await reading).toBeUndefined();
        await closing;
        await closeStore();
      });
    });

    describe("serializability", () => {
      for (const seed of [1, 2, 3]) {
        test(`random transactions side by side are as if one after the other (seed ${seed})`, async () => {
          await checkSerializability(store, seed);
        });
      }
    });

    describe("reopening", () => {
      test("keeps what was committed, and positions go on growing", async (context) => {
        if (opened?.reopen === undefined) return context.skip("this store ends with its process");
        for (let round = 0; round < 3; round++) {
          await put(store, { [`k${round}`]: `${round}` });
          await store.transact(async (tx) => {
            tx.append(key("log"), value(`${round}`));
            tx.add(key("n"), 1);
          });
          store = await opened.reopen();
        }
        await store.read(async (reader) => {
          const kept = await rangeOf(reader, "k", "l");
          expect(kept.map((entry) => text(entry.value))).toEqual(["0", "1", "2"]);
          const log = await rangeOf(reader, "log", "loh");
          expect(log.map((entry) => text(entry.value))).toEqual(["0", "1", "2"]);
          expect(counterValue(await reader.get(key("n")))).toBe(3);
        });
      });
    });
  });
}

/** What a committed transaction saw and did, to be repeated on a plain map. */
type Step =
  | { readonly kind: "get"; readonly at: string; readonly saw: string | undefined }
  | {
      readonly kind: "range";
      readonly range: readonly [string, string, number, boolean];
      readonly saw: readonly string[];
    }
  | { readonly kind: "put"; readonly at: string; readonly value: string }
  | { readonly kind: "delete"; readonly at: string }
  | { readonly kind: "deleteRange"; readonly start: string; readonly end: string }
  | { readonly kind: "add"; readonly at: string; readonly delta: number };

/**
 * Goal: any run is as if its transactions had run one after the other. Method: bodies with random reads and writes on
 * few keys, that let others in between at random, each appending its id to a log; then their recorded steps are
 * repeated on a plain map in the log's order, and each reading must be what was seen.
 */
async function checkSerializability(store: KvStore, seed: number): Promise<void> {
  const random = new Prng(seed);
  const history = new Map<string, readonly Step[]>();
  const failure = new Error("on purpose");
  let lastId = 0;
  const worker = async () => {
    for (let round = 0; round < 25; round++) {
      lastId += 1;
      const id = `${lastId}`;
      const slow = random.next() < 0.6;
      const throws = random.next() < 0.1;
      const transaction = store.transact(async (tx) => {
        const steps: Step[] = [];
        const count = 1 + randomBelow(random, 6);
        for (let at = 0; at < count; at++) {
          steps.push(await randomStep(tx, random, `${id}.${at}`));
          if (slow && random.next() < 0.3) await tick();
        }
        if (throws) throw failure;
        tx.append(key("log"), value(id));
        return steps;
      });
      try {
        history.set(id, await transaction);
      } catch (error) {
        const isExpected =
          error === failure ||
          (error instanceof CairnError && error.reason === "transactionConflict");
        if (!isExpected) throw error;
      }
    }
  };
  const snapshots: { readonly log: readonly string[]; readonly state: string }[] = [];
  let isDone = false;
  const watching = (async () => {
    while (!isDone) {
      snapshots.push(
        await store.read(async (reader) => {
          const log = await rangeOf(reader, "log", "loh", { limit: 10_000 });
          await tick();
          return { log: log.map((entry) => text(entry.value) ?? ""), state: await stateOf(reader) };
        }),
      );
    }
  })();
  await Promise.all(Array.from({ length: 8 }, worker));
  isDone = true;
  await watching;

  const log = await store.read((reader) => rangeOf(reader, "log", "loh", { limit: 10_000 }));
  const order = log.map((entry) => text(entry.value) ?? "");
  expect(new Set(order)).toEqual(new Set(history.keys()));
  const model = new Map<string, string>();
  const states = [stateOfModel(model)];
  for (const id of order) {
    for (const step of history.get(id) ?? []) repeat(step, model, id);
    states.push(stateOfModel(model));
  }
  expect(await store.read(stateOf)).toBe(states.at(-1));
  for (const snapshot of snapshots) {
    expect(snapshot.log).toEqual(order.slice(0, snapshot.log.length));
    expect(snapshot.state).toBe(states[snapshot.log.length]);
  }
}

const FEW_KEYS = 8;

async function randomStep(tx: KvTransaction, random: Prng, unique: string): Promise<Step> {
  const at = `k${randomBelow(random, FEW_KEYS)}`;
  const dice = random.next();
  if (dice < 0.3) return { kind: "get", at, saw: await getText(tx, at) };
  if (dice < 0.5) {
    const [a, b] = [randomBelow(random, FEW_KEYS), randomBelow(random, FEW_KEYS + 1)];
    const limit = random.next() < 0.5 ? 100 : 1 + randomBelow(random, 3);
    const range = [`k${Math.min(a, b)}`, `k${Math.max(a, b)}`, limit, random.next() < 0.5] as const;
    const found = await rangeOf(tx, range[0], range[1], { limit, reverse: range[3] });
    return { kind: "range", range, saw: found.map((e) => `${keyOf(e)}=${text(e.value)}`) };
  }
  if (dice < 0.8) {
    tx.put(key(at), value(unique));
    return { kind: "put", at, value: unique };
  }
  if (dice < 0.87) {
    tx.delete(key(at));
    return { kind: "delete", at };
  }
  if (dice < 0.92) {
    const end = `k${randomBelow(random, FEW_KEYS)}`;
    tx.deleteRange(key(at), key(end));
    return { kind: "deleteRange", start: at, end };
  }
  const delta = randomBelow(random, 100) - 50;
  const counter = `kn${randomBelow(random, 2)}`;
  tx.add(key(counter), delta);
  return { kind: "add", at: counter, delta };
}

function repeat(step: Step, model: Map<string, string>, id: string): void {
  switch (step.kind) {
    case "get":
      expect([id, step.at, step.saw]).toEqual([id, step.at, model.get(step.at)]);
      return;
    case "range": {
      const [start, end, limit, isReverse] = step.range;
      const keys = [...model.keys()].filter((at) => at >= start && at < end).sort();
      if (isReverse) keys.reverse();
      const expected = keys.slice(0, limit).map((at) => `${at}=${model.get(at)}`);
      expect([id, step.range, step.saw]).toEqual([id, step.range, expected]);
      return;
    }
    case "put":
      model.set(step.at, step.value);
      return;
    case "delete":
      model.delete(step.at);
      return;
    case "deleteRange":
      for (const at of [...model.keys()]) {
        if (at >= step.start && at < step.end) model.delete(at);
      }
      return;
    case "add": {
      const before = model.get(step.at);
      const sum = counterValue(before === undefined ? undefined : value(before)) + step.delta;
      model.set(step.at, text(counterBytes(sum)) ?? "");
    }
  }
}

async function stateOf(reader: KvReader): Promise<string> {
  const entries = await rangeOf(reader, "k", "l", { limit: 10_000 });
  return JSON.stringify(entries.map((entry) => [keyOf(entry), text(entry.value)]));
}

function stateOfModel(model: ReadonlyMap<string, string>): string {
  return JSON.stringify([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
}

// Texts stand for bytes, one character a byte.
function key(at: string): Uint8Array {
  return Buffer.from(at, "latin1");
}

function value(content: string): Uint8Array {
  return Buffer.from(content, "latin1");
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("latin1");
}

function keyOf(entry: KvEntry): string {
  return text(entry.key) ?? "";
}

async function getText(reader: KvReader, at: string): Promise<string | undefined> {
  return text(await reader.get(key(at)));
}

function rangeOf(
  reader: KvReader,
  start: string,
  end: string,
  how: { readonly limit?: number; readonly reverse?: boolean } = {},
): Promise<KvEntry[]> {
  return reader.range({ start: key(start), end: key(end), limit: 100, ...how });
}

async function put(store: KvStore, entries: Readonly<Record<string, string>>): Promise<void> {
  await store.transact(async (tx) => {
    for (const [at, content] of Object.entries(entries)) tx.put(key(at), value(content));
  });
}

async function contents(store: KvStore): Promise<Record<string, string | undefined>> {
  const entries = await store.read((reader) => rangeOf(reader, "", "\xff\xff\xff"));
  return Object.fromEntries(entries.map((entry) => [keyOf(entry), text(entry.value)]));
}

/** One round of the event loop: what is short gets done meanwhile. */
function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
