import { describe, expect, test } from "vitest";
import type { KvReader, KvTransaction } from "../kv-store.ts";
import {
  attempted,
  contents,
  getText,
  key,
  keyOf,
  type OpenStore,
  put,
  rangeOf,
  text,
  tick,
  value,
} from "./open-store.contract.ts";

/** Values are kept, read and deleted as they were given. */
export function describeKvValues(under: OpenStore): void {
  describe("reading and writing", () => {
    test("what was put is read back, by transactions and by readers", async () => {
      await put(under.store, { a: "1", b: "" });
      for (const read of [
        under.store.read.bind(under.store),
        under.store.transact.bind(under.store),
      ]) {
        expect(await read((reader) => getText(reader, "a"))).toBe("1");
        expect(await read((reader) => getText(reader, "b"))).toBe("");
        expect(await read((reader) => getText(reader, "c"))).toBeUndefined();
        const many = await read((reader) => reader.getMany([key("b"), key("x"), key("a")]));
        expect(many.map(text)).toEqual(["", undefined, "1"]);
      }
    });

    test("a deleted key is gone, and deleting what is not there is no error", async () => {
      await put(under.store, { a: "1", b: "2" });
      await under.store.transact(async (tx) => {
        tx.delete(key("a"));
        tx.delete(key("never"));
      });
      expect(await contents(under.store)).toEqual({ b: "2" });
    });

    test("a transaction sees its own writes before anybody else does", async () => {
      await put(under.store, { a: "old", b: "old" });
      await under.store.transact(async (tx) => {
        tx.put(key("a"), value("new"));
        tx.delete(key("b"));
        tx.put(key("c"), value("new"));
        expect(await getText(tx, "a")).toBe("new");
        expect(await getText(tx, "b")).toBeUndefined();
        expect((await tx.getMany([key("c"), key("b")])).map(text)).toEqual(["new", undefined]);
        expect(await contents(under.store)).toEqual({ a: "old", b: "old" });
      });
      expect(await contents(under.store)).toEqual({ a: "new", c: "new" });
    });

    test("a shared value is the one that is read, own writes and later commits included", async () => {
      const shared = async (reader: KvReader) => text(await reader.getShared(key("k")));
      const stored = () => under.store.read(shared);
      expect(await stored()).toBeUndefined();
      for (const next of ["1", "2", "3"]) {
        const seen = await under.store.transact(async (tx) => {
          const before = await shared(tx);
          tx.put(key("k"), value(next));
          return [before, await shared(tx)];
        });
        expect(seen).toEqual([next === "1" ? undefined : `${Number(next) - 1}`, next]);
        expect([await stored(), await stored()]).toEqual([next, next]);
      }
      await under.store.transact(async (tx) => {
        tx.delete(key("k"));
        expect(await shared(tx)).toBeUndefined();
      });
      expect(await stored()).toBeUndefined();
    });

    test("keys that were given and bytes that were read can be overwritten without harm to the store", async () => {
      const givenKey = Buffer.from("k");
      await under.store.transact(async (tx) => {
        tx.put(givenKey, value("before"));
        givenKey.fill(0);
        (await tx.get(key("k")))?.fill(0);
        expect(await getText(tx, "k")).toBe("before");
      });
      for (const read of [
        under.store.read.bind(under.store),
        under.store.transact.bind(under.store),
      ]) {
        await read(async (reader) => {
          (await reader.get(key("k")))?.fill(0);
          const [entry] = await rangeOf(reader, "a", "z");
          entry?.key.fill(0);
          entry?.value.fill(0);
          expect(await getText(reader, "k")).toBe("before");
        });
      }
      expect(await contents(under.store)).toEqual({ k: "before" });
    });

    test("a transaction's value is what its body returned", async () => {
      expect(await under.store.transact(async () => 42)).toBe(42);
      expect(await under.store.read(async () => "read")).toBe("read");
    });

    test("a body that throws writes nothing, and its error comes through as it is", async () => {
      const failure = new Error("no");
      const attempt = under.store.transact(async (tx) => {
        tx.put(key("a"), value("1"));
        tx.add(key("n"), 1);
        tx.append(key("log"), value("1"));
        throw failure;
      });
      await expect(attempt).rejects.toBe(failure);
      expect(await contents(under.store)).toEqual({});
      await expect(under.store.read(async () => Promise.reject(failure))).rejects.toBe(failure);
    });

    test("a transaction and a reader cannot be used after their bodies have ended", async () => {
      let kept: KvTransaction | undefined;
      let keptReader: KvReader | undefined;
      await under.store.transact(async (tx) => {
        kept = tx;
      });
      await under.store.read(async (reader) => {
        keptReader = reader;
      });
      await expect(attempted(() => kept?.get(key("a")))).rejects.toThrow(
        "after its body had ended",
      );
      expect(() => kept?.put(key("a"), value("1"))).toThrow("after its body had ended");
      await expect(attempted(() => keptReader?.get(key("a")))).rejects.toThrow(
        "after its body had ended",
      );
    });
  });

  describe("readers", () => {
    test("see one state, whatever is committed meanwhile", async () => {
      await put(under.store, { a: "1", b: "1" });
      await under.store.read(async (reader) => {
        expect(await getText(reader, "a")).toBe("1");
        await put(under.store, { a: "2", b: "2", bb: "2" });
        await tick();
        expect((await reader.getMany([key("a"), key("b")])).map(text)).toEqual(["1", "1"]);
        expect((await rangeOf(reader, "a", "z")).map(keyOf)).toEqual(["a", "b"]);
      });
      expect(await contents(under.store)).toEqual({ a: "2", b: "2", bb: "2" });
    });

    test("see both of a pair or none, while pairs are written", async () => {
      let isDone = false;
      const writing = (async () => {
        for (let at = 0; at < 40; at++) await put(under.store, { x: `${at}`, y: `${at}` });
        isDone = true;
      })();
      let last = -1;
      while (!isDone) {
        const [x, y] = await under.store.read(async (reader) => {
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
}
