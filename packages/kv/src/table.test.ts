import { expect, test } from "vitest";
import { MemoryKv } from "./memory/memory-kv.ts";
import { fixed, restText, tuple, u32, u64 } from "./ordered-key.ts";
import { recordCodec } from "./record.ts";
import { Table } from "./table.ts";

const entries = new Table({
  prefix: "dent",
  key: tuple(u64, restText),
  value: recordCodec<number>("entry", {
    version: 1,
    write: (to, value) => to.varint(value),
    read: (from) => from.varint(),
  }),
});

async function filled() {
  const kv = new MemoryKv();
  await kv.transact(async (tx) => {
    for (const [at, name] of ["a", "ab", "abc", "b", "c"].entries()) {
      entries.put(tx, [7, name], at);
      entries.put(tx, [8, name], at + 10);
    }
  });
  return kv;
}

test("a row comes back by its key, and one that is not there is undefined", async () => {
  const kv = await filled();
  await kv.read(async (reader) => {
    expect(await entries.get(reader, [7, "ab"])).toBe(1);
    expect(await entries.get(reader, [7, "x"])).toBeUndefined();
    expect(await entries.has(reader, [8, "c"])).toBe(true);
    expect(
      await entries.getMany(reader, [
        [8, "c"],
        [8, "d"],
        [7, "a"],
      ]),
    ).toEqual([14, undefined, 0]);
  });
});

test("a page holds the rows within its leading parts and between its bounds, in either direction", async () => {
  const kv = await filled();
  await kv.read(async (reader) => {
    const names = async (page: Parameters<typeof entries.page>[1]) =>
      (await entries.page(reader, page)).map((row) => row.key.join());
    expect(await names({ within: [7], limit: 10 })).toEqual(["7,a", "7,ab", "7,abc", "7,b", "7,c"]);
    expect(await names({ within: [7, "ab"], limit: 10 })).toEqual(["7,ab", "7,abc"]);
    expect(await names({ within: [7], after: [7, "ab"], limit: 2 })).toEqual(["7,abc", "7,b"]);
    expect(await names({ within: [8], from: [8, "b"], limit: 9 })).toEqual(["8,b", "8,c"]);
    expect(await names({ within: [8], before: [8, "ab"], limit: 9 })).toEqual(["8,a"]);
    expect(await names({ within: [8], from: [7, "b"], before: [9, ""], limit: 1 })).toEqual([
      "8,a",
    ]);
    expect(await names({ within: [7], limit: 2, reverse: true })).toEqual(["7,c", "7,b"]);
    expect(await names({ limit: 100 })).toHaveLength(10);
    expect((await entries.first(reader, { within: [8], reverse: true }))?.value).toBe(14);
  });
});

test("a scan walks all pages, in either direction", async () => {
  const kv = await filled();
  await kv.read(async (reader) => {
    for (const reverse of [false, true]) {
      const found: number[] = [];
      for await (const row of entries.scan(reader, { within: [8], limit: 2, reverse })) {
        found.push(row.value);
      }
      expect(found).toEqual(reverse ? [14, 13, 12, 11, 10] : [10, 11, 12, 13, 14]);
    }
  });
});

test("rows are deleted one by one and by range, and other rows stay", async () => {
  const kv = await filled();
  await kv.transact(async (tx) => {
    entries.delete(tx, [7, "c"]);
    entries.deleteRange(tx, { within: [7, "a"] });
    entries.deleteRange(tx, { within: [8] });
  });
  const left = await kv.read((reader) => entries.page(reader, { limit: 100 }));
  expect(left).toEqual([{ key: [7, "b"], value: 3 }]);
});

test("a stored key is its prefix and its parts, and reads back", () => {
  const chunks = new Table({
    prefix: "chnk",
    key: tuple(fixed(2), u32),
    value: { encode: (value: Uint8Array) => value, decode: (bytes) => bytes },
  });
  const key = chunks.keyOf([Uint8Array.of(1, 2), 258]);
  expect(Buffer.from(key).toString("hex")).toBe("63686e6b010200000102");
  expect(chunks.keyFrom(key)).toEqual([Buffer.from([1, 2]), 258]);
  expect(() => chunks.keyFrom(key.subarray(0, 9))).toThrow("ends early");
  expect(() => chunks.keyFrom(Buffer.concat([key, key]))).toThrow("left over");
});

test("a table prefix of other than four ASCII characters is a bug", () => {
  const format = {
    key: u32,
    value: { encode: (value: Uint8Array) => value, decode: (b: Uint8Array) => b },
  };
  for (const prefix of ["", "abc", "abcde", "ab c", "äbcd"]) {
    expect(() => new Table({ prefix, ...format })).toThrow("is not 4 ASCII");
  }
});
