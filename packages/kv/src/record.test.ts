import { describe, expect, test } from "vitest";
import { type RecordReader, type RecordWriter, recordCodec } from "./record.ts";

interface Sample {
  readonly size: number;
  readonly id: Uint8Array;
  readonly name: string;
  readonly type: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
  readonly nodes: readonly number[];
}

const codec = recordCodec<Sample>("sample", {
  version: 2,
  write: (to, value) => {
    to.varint(value.size);
    to.fixed(value.id);
    to.text(value.name);
    to.optional(value.type, (to, type) => to.text(type));
    to.textMap(value.tags);
    to.list(value.nodes, (to, node) => to.u32(node));
  },
  read: (from) => ({
    size: from.varint(),
    id: from.fixed(2),
    name: from.text(),
    type: from.optional((from) => from.text()),
    tags: from.textMap(),
    nodes: from.list((from) => from.u32()),
  }),
  earlier: {
    1: (from) => ({
      size: from.varint(),
      id: Buffer.alloc(2),
      name: from.text(),
      type: undefined,
      tags: new Map(),
      nodes: [],
    }),
  },
});

function single<T>(write: (to: RecordWriter, value: T) => void, read: (from: RecordReader) => T) {
  return recordCodec<T>("single", { version: 1, write, read });
}

test("a record is its version and its fields, byte for byte", () => {
  const bytes = codec.encode({
    size: 300,
    id: Uint8Array.of(0xab, 0xcd),
    name: "é",
    type: "t",
    tags: new Map([["k", "v"]]),
    nodes: [1, 258],
  });
  expect(Buffer.from(bytes).toString("hex")).toBe(
    "02" + "ac02" + "abcd" + "02c3a9" + "010174" + "01016b0176" + "020000000100000102",
  );
  expect(codec.decode(bytes)).toEqual({
    size: 300,
    id: Buffer.from([0xab, 0xcd]),
    name: "é",
    type: "t",
    tags: new Map([["k", "v"]]),
    nodes: [1, 258],
  });
});

test("a record of an earlier version is read by that version's reader", () => {
  expect(codec.decode(Buffer.from("0105026162", "hex"))).toMatchObject({
    size: 5,
    name: "ab",
    nodes: [],
  });
});

test("a record of an unknown version is refused with the versions in the message", () => {
  expect(() => codec.decode(Buffer.from("0300", "hex"))).toThrow(
    expect.objectContaining({
      reason: "internal",
      message: "sample record has version 3, expected at most 2",
    }),
  );
  expect(() => codec.decode(Buffer.alloc(0))).toThrow("ends early");
});

test("a record that was cut anywhere, or has bytes left over, is refused", () => {
  const bytes = codec.encode({
    size: 2 ** 40,
    id: Uint8Array.of(1, 2),
    name: "a name of more than sixteen bytes",
    type: undefined,
    tags: new Map([["key", "value"]]),
    nodes: [1, 2, 3],
  });
  for (let length = 0; length < bytes.byteLength; length++) {
    expect(() => codec.decode(bytes.subarray(0, length))).toThrow(
      expect.objectContaining({ reason: "internal" }),
    );
  }
  expect(() => codec.decode(Buffer.concat([bytes, Buffer.from([0])]))).toThrow("1 bytes left over");
});

test("a record of any size is read as it was written, whatever field its buffer is full at", () => {
  const codec = recordCodec<readonly [string, number]>("pair", {
    version: 1,
    write: (to, [text, number]) => {
      to.text(text);
      to.varint(number);
    },
    read: (from) => [from.text(), from.varint()],
  });
  const isSame = (sizeBytes: number, number: number) => {
    const [text, read] = codec.decode(codec.encode(["x".repeat(sizeBytes), number]));
    return text.length === sizeBytes && read === number;
  };
  for (let sizeBytes = 0; sizeBytes < 20_000; sizeBytes++) {
    if (!isSame(sizeBytes, 9)) expect.fail(`a text of ${sizeBytes} bytes`);
  }
});

test("a record within a record is encoded apart from it", () => {
  const outer = single<readonly Sample[]>(
    (to, items) => to.list(items, (to, item) => to.bytes(codec.encode(item))),
    (from) => from.list((from) => codec.decode(from.bytes())),
  );
  const item = {
    size: 1,
    id: Buffer.from([1, 2]),
    name: "n",
    type: undefined,
    tags: new Map(),
    nodes: [],
  };
  expect(outer.decode(outer.encode([item, { ...item, size: 2 }]))).toEqual([
    item,
    { ...item, size: 2 },
  ]);
});

describe("numbers", () => {
  const varint = single<number>(
    (to, value) => to.varint(value),
    (from) => from.varint(),
  );
  const u64 = single<number>(
    (to, value) => to.u64(value),
    (from) => from.u64(),
  );

  test("come back at and around each change of length", () => {
    for (let bits = 0; bits <= 53; bits++) {
      for (const value of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
        if (!Number.isSafeInteger(value)) continue;
        expect(varint.decode(varint.encode(value))).toBe(value);
        expect(u64.decode(u64.encode(value))).toBe(value);
      }
    }
  });

  test("that are not in range are the writer's bug", () => {
    for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) {
      expect(() => varint.encode(value)).toThrow("expected a whole one from 0 to 9007199254740991");
      expect(() => u64.encode(value)).toThrow("expected a whole one");
    }
    const u8 = single<number>(
      (to, value) => to.u8(value),
      (from) => from.u8(),
    );
    const u32 = single<number>(
      (to, value) => to.u32(value),
      (from) => from.u32(),
    );
    expect(() => u8.encode(256)).toThrow("number is 256, expected a whole one from 0 to 255");
    expect(() => u32.encode(2 ** 32)).toThrow("expected a whole one from 0 to 4294967295");
    expect(u32.decode(u32.encode(2 ** 32 - 1))).toBe(2 ** 32 - 1);
  });

  test("that are above the safe integers when read are refused", () => {
    expect(() => u64.decode(Buffer.from("010020000000000000", "hex"))).toThrow("above the safe");
    expect(() => varint.decode(Buffer.from("01ffffffffffffff1f", "hex"))).toThrow("above the safe");
    expect(() => varint.decode(Buffer.from("01ffffffffffffffffff01", "hex"))).toThrow(
      "without end",
    );
  });
});

test("a count that cannot be is refused before anything is allocated for it", () => {
  const list = single<readonly number[]>(
    (to, items) => to.list(items, (to, item) => to.u8(item)),
    (from) => from.list((from) => from.u8()),
  );
  expect(() => list.decode(Buffer.from("01ffffffff0f01", "hex"))).toThrow(
    "claims 4294967295 items",
  );
});

test("a boolean other than 0 or 1 is refused", () => {
  const flag = single<boolean>(
    (to, value) => to.bool(value),
    (from) => from.bool(),
  );
  expect(flag.decode(flag.encode(true))).toBe(true);
  expect(() => flag.decode(Buffer.from("0102", "hex"))).toThrow("has 2 where 0 or 1");
});
