import { describe, expect, test } from "vitest";
import {
  bytes,
  fixed,
  type KeyCodec,
  KeyReader,
  KeyWriter,
  keyAfter,
  prefixEnd,
  restBytes,
  restText,
  text,
  textWithoutNul,
  tuple,
  u8,
  u32,
  u64,
} from "./ordered-key.ts";

function hexOf<K>(codec: KeyCodec<K>, key: K): string {
  const writer = new KeyWriter();
  codec.write(writer, key);
  return Buffer.from(writer.finish()).toString("hex");
}

function decode<K>(codec: KeyCodec<K>, hex: string): K {
  const reader = new KeyReader(Buffer.from(hex, "hex"));
  const key = codec.read(reader);
  reader.finish();
  return key;
}

const refused = expect.objectContaining({ reason: "invalidArgument" });
const damaged = expect.objectContaining({ reason: "internal" });

test("each part is these bytes", () => {
  expect(hexOf(u8, 255)).toBe("ff");
  expect(hexOf(u32, 0x01020304)).toBe("01020304");
  expect(hexOf(u64, Number.MAX_SAFE_INTEGER)).toBe("001fffffffffffff");
  expect(hexOf(u64, 2 ** 32)).toBe("0000000100000000");
  expect(hexOf(text, "aé")).toBe("61c3a900");
  expect(hexOf(text, "a\0\x01\x02")).toBe("610101010202" + "00");
  expect(hexOf(textWithoutNul, "aé\x01")).toBe("61c3a90100");
  expect(decode(tuple(textWithoutNul, u8), "61010002")).toEqual(["a\x01", 2]);
  expect(hexOf(bytes, Uint8Array.of(0, 1, 255))).toBe("01010102ff00");
  expect(hexOf(restText, "a\0")).toBe("6100");
  expect(hexOf(restBytes, Uint8Array.of(0, 1))).toBe("0001");
  expect(hexOf(fixed(2), Uint8Array.of(0, 1))).toBe("0001");
  expect(hexOf(tuple(u8, text, u8, restText), [1, "b", 2, "c"])).toBe("01" + "6200" + "02" + "63");
});

describe("refused when written", () => {
  test("numbers outside of their part's range", () => {
    expect(() => hexOf(textWithoutNul, "a\0")).toThrow(refused);
    for (const value of [-1, 0.5, 256, Number.NaN]) {
      expect(() => hexOf(u8, value)).toThrow(refused);
    }
    expect(() => hexOf(u32, 2 ** 32)).toThrow(refused);
    expect(() => hexOf(u64, 2 ** 53)).toThrow(refused);
    expect(() => hexOf(u64, -1)).toThrow(refused);
  });

  test("bytes of another length than the part's, and texts that are no Unicode", () => {
    expect(() => hexOf(fixed(2), Uint8Array.of(1))).toThrow(refused);
    for (const codec of [text, restText]) {
      expect(() => hexOf(codec, "a\ud800")).toThrow(refused);
      expect(() => hexOf(codec, "\udc00a")).toThrow(refused);
    }
  });
});

describe("refused when read", () => {
  test("keys that end early, or have bytes left over", () => {
    expect(() => decode(u32, "010203")).toThrow(damaged);
    expect(() => decode(u64, "")).toThrow(damaged);
    expect(() => decode(text, "6162")).toThrow(damaged);
    expect(() => decode(bytes, "6101")).toThrow(damaged);
    expect(() => decode(fixed(3), "0102")).toThrow(damaged);
    expect(() => decode(u8, "0102")).toThrow(damaged);
  });

  test("numbers above the safe integers", () => {
    expect(() => decode(u64, "0020000000000000")).toThrow(damaged);
  });
});

test("a key longer than the writer's first memory is written whole", () => {
  const long = "x".repeat(1000);
  expect(decode(tuple(text, restText), hexOf(tuple(text, restText), [long, long]))).toEqual([
    long,
    long,
  ]);
});

test("the end of a prefix is the next key that does not begin with it", () => {
  expect(prefixEnd(Uint8Array.of(1, 2))).toEqual(Buffer.from([1, 3]));
  expect(prefixEnd(Uint8Array.of(1, 255, 255))).toEqual(Buffer.from([2]));
  expect(() => prefixEnd(Uint8Array.of(255, 255))).toThrow("no key is after");
  expect(() => prefixEnd(new Uint8Array())).toThrow("no key is after");
  expect(keyAfter(Uint8Array.of(1))).toEqual(Buffer.from([1, 0]));
});
