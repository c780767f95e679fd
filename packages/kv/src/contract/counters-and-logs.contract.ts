import { describe, expect, test } from "vitest";
import { counterBytes, counterValue } from "../counter.ts";
import { keyAfter, prefixEnd } from "../ordered-key.ts";
import {
  key,
  keyOf,
  type OpenStore,
  put,
  rangeOf,
  text,
  tick,
  value,
} from "./open-store.contract.ts";

/** The two kinds of writing that never conflict with themselves. */
export function describeKvCountersAndLogs(under: OpenStore): void {
  describe("counters", () => {
    test("count up and down from nothing, in eight bytes of two's complement", async () => {
      for (const [delta, hex] of [
        [1, "0000000000000001"],
        [-2, "ffffffffffffffff"],
        [2 ** 40, "000000ffffffffff"],
        [-(2 ** 40) + 1, "0000000000000000"],
      ] as const) {
        await under.store.transact(async (tx) => tx.add(key("n"), delta));
        const bytes = await under.store.read((reader) => reader.get(key("n")));
        expect(Buffer.from(bytes ?? []).toString("hex")).toBe(hex);
      }
    });

    test("mix with the transaction's other writes in the order they were made", async () => {
      await under.store.transact(async (tx) => tx.add(key("n"), 10));
      await under.store.transact(async (tx) => {
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
      const found = await under.store.read((reader) => rangeOf(reader, "a", "z"));
      expect(found.map((entry) => `${keyOf(entry)}${counterValue(entry.value)}`)).toEqual([
        "m2",
        "n3",
        "o99",
      ]);
    });

    test("never conflict with each other, however many there are at once", async () => {
      let attempts = 0;
      const adding = Array.from({ length: 50 }, (_, at) =>
        under.store.transact(async (tx) => {
          attempts += 1;
          await tick();
          tx.add(key("n"), at);
          await tick();
        }),
      );
      await Promise.all(adding);
      expect(attempts).toBe(50);
      expect(counterValue(await under.store.read((reader) => reader.get(key("n"))))).toBe(1225);
    });

    test("refuse numbers that are not safe integers", async () => {
      await under.store.transact(async (tx) => {
        for (const delta of [0.5, 2 ** 53, Number.NaN]) {
          expect(() => tx.add(key("n"), delta)).toThrow("expected a safe integer");
        }
      });
    });
  });

  describe("logs", () => {
    test("are in the order of commits, and within a commit in the order of appends", async () => {
      for (let at = 0; at < 5; at++) {
        await under.store.transact(async (tx) => {
          tx.append(key("log"), value(`${at}a`));
          tx.append(key("other"), value(`${at}`));
          tx.append(key("log"), value(`${at}b`));
        });
      }
      const log = await under.store.read((reader) => rangeOf(reader, "log", "loh"));
      expect(log.map((entry) => text(entry.value)).join(" ")).toBe("0a 0b 1a 1b 2a 2b 3a 3b 4a 4b");
      expect(log.every((entry) => entry.key.byteLength === 3 + 12)).toBe(true);
      expect(await under.store.read((reader) => rangeOf(reader, "other", "othes"))).toHaveLength(5);
    });

    test("never conflict when appended to, however many do so at once", async () => {
      let attempts = 0;
      const appending = Array.from({ length: 50 }, (_, at) =>
        under.store.transact(async (tx) => {
          attempts += 1;
          await tick();
          tx.append(key("log"), value(`${at}`));
        }),
      );
      await Promise.all(appending);
      expect(attempts).toBe(50);
      expect(await under.store.read((reader) => rangeOf(reader, "log", "loh"))).toHaveLength(50);
    });

    test("show nothing new before a position that a reader has seen", async () => {
      const writing = (async () => {
        for (let at = 0; at < 40; at++) {
          await Promise.all(
            [0, 1, 2].map((writer) =>
              under.store.transact(async (tx) => {
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
        const entries = await under.store.read((reader) => reader.range(page));
        seen.push(...entries.map((entry) => text(entry.value) ?? ""));
        const last = entries.at(-1);
        if (last !== undefined) start = keyAfter(last.key);
        if (isLast) break;
        await tick();
      }
      await done;
      const all = await under.store.read((reader) =>
        rangeOf(reader, "log", "loh", { limit: 10_000 }),
      );
      expect(seen).toEqual(all.map((entry) => text(entry.value)));
      expect(new Set(seen).size).toBe(120);
    });

    test("tell their listeners of appends, and only of those, until the listeners leave", async () => {
      let calls = 0;
      const leave = under.store.onAppend(() => {
        calls += 1;
      });
      await put(under.store, { a: "1" });
      await tick();
      expect(calls).toBe(0);
      await under.store.transact(async (tx) => tx.append(key("log"), value("1")));
      await tick();
      expect(calls).toBe(1);
      leave();
      leave();
      await under.store.transact(async (tx) => tx.append(key("log"), value("2")));
      await tick();
      expect(calls).toBe(1);
    });
  });
}
