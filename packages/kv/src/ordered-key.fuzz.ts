import fc from "fast-check";
import { expect, test } from "vitest";
import {
  bytes,
  fixed,
  type KeyCodec,
  KeyReader,
  KeyWriter,
  prefixEnd,
  restBytes,
  restText,
  text,
  tuple,
  u8,
  u32,
  u64,
} from "./ordered-key.ts";

const aU8 = fc.integer({ min: 0, max: 255 });
const aU32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const aU64 = fc.maxSafeNat();
// Small alphabets, so that tuples often share their beginnings and hold the bytes that are escaped.
const aText = fc.oneof(
  fc.string({
    unit: fc.constantFrom("\0", "\x01", "\x02", "a", "é", "\uffff", "😀"),
    maxLength: 5,
  }),
  fc.string({ unit: "grapheme" }),
);
const someBytes = fc.oneof(
  fc.array(fc.constantFrom(0, 1, 2, 255), { maxLength: 5 }).map((items) => Uint8Array.from(items)),
  fc.uint8Array({ maxLength: 20 }),
);

function encode<K>(codec: KeyCodec<K>, key: K): Uint8Array {
  const writer = new KeyWriter();
  codec.write(writer, key);
  return writer.finish();
}

function decode<K>(codec: KeyCodec<K>, key: Uint8Array): K {
  const reader = new KeyReader(key);
  const value = codec.read(reader);
  reader.finish();
  return value;
}

function comparePart(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") {
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  return Buffer.compare(a as Uint8Array, b as Uint8Array);
}

function compareTuples(a: readonly unknown[], b: readonly unknown[]): number {
  for (const [at, part] of a.entries()) {
    const order = comparePart(part, b[at]);
    if (order !== 0) return Math.sign(order);
  }
  return 0;
}

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}

function checks<K extends readonly unknown[]>(
  name: string,
  codec: KeyCodec<K>,
  keys: fc.Arbitrary<K>,
) {
  test(`${name}: a tuple comes back as it went, and bytes sort as tuples do`, () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const [aBytes, bBytes] = [encode(codec, a), encode(codec, b)];
        expect(decode(codec, aBytes).map(plain)).toEqual(a.map(plain));
        expect(Buffer.compare(aBytes, bBytes)).toBe(compareTuples(a, b));
      }),
      { numRuns: 2000 },
    );
  });
}

checks("numbers", tuple(u8, u32, u64), fc.tuple(aU8, aU32, aU64));
checks("texts", tuple(text, text, u8), fc.tuple(aText, aText, aU8));
checks(
  "bytes",
  tuple(bytes, fixed(2), bytes),
  fc.tuple(someBytes, fc.uint8Array({ minLength: 2, maxLength: 2 }), someBytes),
);
checks("rest text", tuple(u64, restText), fc.tuple(aU64, aText));
checks("rest bytes", tuple(text, restBytes), fc.tuple(aText, someBytes));

test("the leading parts of a tuple bound exactly the tuples that begin with them", () => {
  const codec = tuple(u32, text, u8);
  const keys = fc.tuple(fc.integer({ min: 0, max: 2 }), aText, aU8);
  fc.assert(
    fc.property(keys, keys, (a, b) => {
      const writer = new KeyWriter();
      codec.writeLeading(writer, [a[0] + 1, a[1]]);
      const start = writer.finish();
      const key = encode(codec, [b[0] + 1, b[1], b[2]]);
      const isWithin = Buffer.compare(key, start) >= 0 && Buffer.compare(key, prefixEnd(start)) < 0;
      expect(isWithin).toBe(a[0] === b[0] && a[1] === b[1]);
    }),
    { numRuns: 2000 },
  );
});
