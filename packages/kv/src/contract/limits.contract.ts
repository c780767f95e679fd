import { describe, expect, test } from "vitest";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../limits.ts";
import { keyAfter } from "../ordered-key.ts";
import {
  attempted,
  contents,
  key,
  type OpenStore,
  put,
  rangeOf,
  text,
  value,
} from "./open-store.contract.ts";

/** What is at a limit is taken, and what is one past it refused. */
export function describeKvLimits(under: OpenStore): void {
  describe("limits", () => {
    const longest = Buffer.alloc(KEY_BYTES_MAX, 0x61);
    const tooLong = Buffer.alloc(KEY_BYTES_MAX + 1, 0x61);
    const refused = expect.objectContaining({ reason: "invalidArgument" });

    test("a key of the greatest length is stored, read, found in a range and deleted", async () => {
      await under.store.transact(async (tx) => tx.put(longest, value("long")));
      await under.store.read(async (reader) => {
        expect(text(await reader.get(longest))).toBe("long");
        const range = { start: longest, end: keyAfter(longest), limit: 1 };
        expect(await reader.range(range)).toHaveLength(1);
        expect(await reader.range({ ...range, reverse: true })).toHaveLength(1);
      });
      await under.store.transact(async (tx) => tx.deleteRange(longest, keyAfter(longest)));
      expect(await contents(under.store)).toEqual({});
    });

    test("a key that is empty or too long is refused by every call, and the store stays well", async () => {
      for (const bad of [tooLong, Buffer.alloc(0)]) {
        await under.store.transact(async (tx) => {
          expect(() => tx.put(bad, value("1"))).toThrow(refused);
          expect(() => tx.delete(bad)).toThrow(refused);
          expect(() => tx.add(bad, 1)).toThrow(refused);
          await expect(attempted(() => tx.get(bad))).rejects.toThrow(refused);
          await expect(attempted(() => tx.getMany([key("a"), bad]))).rejects.toThrow(refused);
        });
        await under.store.read(async (reader) => {
          await expect(attempted(() => reader.get(bad))).rejects.toThrow(refused);
          await expect(attempted(() => reader.getMany([bad]))).rejects.toThrow(refused);
        });
        await expect(under.store.transact(async (tx) => tx.put(bad, value("1")))).rejects.toThrow(
          refused,
        );
      }
      await put(under.store, { a: "1" });
      expect(await contents(under.store)).toEqual({ a: "1" });
    });

    test("a bound of a range that is longer than any key needs is refused", async () => {
      const wayTooLong = Buffer.alloc(KEY_BYTES_MAX + 2, 0x61);
      for (const read of [
        under.store.read.bind(under.store),
        under.store.transact.bind(under.store),
      ]) {
        await read(async (reader) => {
          const range = { start: key("a"), end: wayTooLong, limit: 1 };
          await expect(attempted(() => reader.range(range))).rejects.toThrow(refused);
          await expect(
            attempted(() => reader.range({ ...range, start: wayTooLong, end: key("b") })),
          ).rejects.toThrow(refused);
        });
      }
      await under.store.transact(async (tx) => {
        expect(() => tx.deleteRange(key("a"), wayTooLong)).toThrow(refused);
      });
    });

    test("a value of 4 MiB is stored, and one byte more is refused", async () => {
      const largest = Buffer.alloc(VALUE_BYTES_MAX, 7);
      await under.store.transact(async (tx) => tx.put(key("v"), largest));
      expect(
        largest.equals(
          (await under.store.read((reader) => reader.get(key("v")))) ?? Buffer.alloc(0),
        ),
      ).toBe(true);
      const [entry] = await under.store.read((reader) => rangeOf(reader, "v", "w"));
      expect(largest.equals(entry?.value ?? Buffer.alloc(0))).toBe(true);
      const tooLarge = Buffer.alloc(VALUE_BYTES_MAX + 1);
      await under.store.transact(async (tx) => {
        expect(() => tx.put(key("v"), tooLarge)).toThrow(refused);
        expect(() => tx.append(key("log"), tooLarge)).toThrow(refused);
      });
    });

    test("a range of no, too many or half entries is refused", async () => {
      for (const limit of [0, -1, 10_001, 1.5, Number.NaN]) {
        for (const read of [
          under.store.read.bind(under.store),
          under.store.transact.bind(under.store),
        ]) {
          const attempt = read((reader) => rangeOf(reader, "a", "b", { limit }));
          await expect(attempt).rejects.toThrow(refused);
        }
      }
      expect(
        await under.store.read((reader) => rangeOf(reader, "a", "b", { limit: 10_000 })),
      ).toEqual([]);
    });

    test("a transaction writes up to 64 MiB, and is refused more", async () => {
      const part = Buffer.alloc(VALUE_BYTES_MAX - 100);
      await under.store.transact(async (tx) => {
        for (let at = 0; at < 16; at++) tx.put(key(`part ${at}`), part);
        expect(() => tx.put(key("one more"), part)).toThrow(refused);
        tx.deleteRange(key("part"), key("q"));
      });
      expect(await contents(under.store)).toEqual({});
    });

    test("a log's prefix leaves room for the position, or is refused", async () => {
      await under.store.transact(async (tx) => {
        expect(() => tx.append(longest.subarray(11), value("1"))).toThrow(refused);
        tx.append(longest.subarray(12), value("1"));
      });
      const log = await under.store.read((reader) => rangeOf(reader, "a", "b"));
      expect(log.map((entry) => entry.key.byteLength)).toEqual([KEY_BYTES_MAX]);
    });
  });
}
