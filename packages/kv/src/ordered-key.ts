/**
 * Tuples as bytes that sort like the tuples.
 *
 *     u8, u32, u64     1, 4, 8 bytes, big-endian; a u64 is a safe integer
 *     fixed(n)         n bytes as they are
 *     text, bytes      00 -> 01 01, 01 -> 01 02, other bytes as they are, then 00
 *     textWithoutNul   as it is, then 00
 *     restText,        as they are, to the end of the key: only as the last part
 *     restBytes
 *
 * Texts are UTF-8, so they sort by code points. docs/formats/ordered-key.md is the register.
 */

import { assert } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";

const TWO_TO_32 = 2 ** 32;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The tuples that begin a tuple of type `K`; only `[]` for a key of one part. */
export type Leading<K> = K extends readonly [infer Head, ...infer Rest]
  ? readonly [] | readonly [Head, ...Leading<Rest>]
  : readonly [];

/** How a key of type `K` is written and read. Both ways keep order: `a` before `b` as bytes as well. */
export interface KeyCodec<K> {
  write(to: KeyWriter, key: K): void;
  read(from: KeyReader): K;
  /** Writes what all keys that begin with `leading` have in common. */
  writeLeading(to: KeyWriter, leading: Leading<K>): void;
}

/** Gathers the bytes of one key. */
export class KeyWriter {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  reset(): this {
    this.#length = 0;
    return this;
  }

  u8(value: number): void {
    checkWhole(value, 0xff);
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    checkWhole(value, 0xffff_ffff);
    this.#word(this.#room(4), value);
  }

  u64(value: number): void {
    checkWhole(value, Number.MAX_SAFE_INTEGER);
    const at = this.#room(8);
    this.#word(at, Math.floor(value / TWO_TO_32));
    this.#word(at + 4, value >>> 0);
  }

  /** The bytes as they are. */
  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.byteLength);
    this.#bytes.set(bytes, at);
  }

  /** The text as it is, in UTF-8. */
  rawText(text: string): void {
    if (LONE_SURROGATE.test(text)) {
      throw new CairnError("invalidArgument", "a text has half a surrogate pair, expected Unicode");
    }
    // A UTF-16 unit becomes at most three bytes.
    const at = this.#room(text.length * 3);
    this.#length = at + this.#bytes.write(text, at, "utf8");
  }

  /** The bytes in the form that ends itself, so that parts may follow. */
  ended(bytes: Uint8Array): void {
    const worstBytes = bytes.byteLength * 2 + 1;
    let at = this.#room(worstBytes);
    const into = this.#bytes;
    for (const byte of bytes) {
      if (byte > 1) {
        into[at++] = byte;
      } else {
        into[at++] = 1;
        into[at++] = byte + 1;
      }
    }
    into[at++] = 0;
    this.#length = at;
  }

  /** The text in the form that ends itself. */
  endedText(text: string): void {
    const start = this.#length;
    this.rawText(text);
    const end = this.#length;
    for (let at = start; at < end; at++) {
      if ((this.#bytes[at] ?? 0) > 1) continue;
      const plain = Buffer.from(this.#bytes.subarray(start, end));
      this.#length = start;
      this.ended(plain);
      return;
    }
    this.u8(0);
  }

  /** The key so far, in bytes of its own. */
  finish(): Uint8Array {
    const key = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(key, 0, 0, this.#length);
    return key;
  }

  #room(sizeBytes: number): number {
    const at = this.#length;
    this.#length = at + sizeBytes;
    if (this.#length > this.#bytes.byteLength) {
      const grown = Buffer.allocUnsafe(this.#length * 2);
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    return at;
  }

  #word(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }
}

/** Takes one key apart, from `offset` on. A key that is not what its codec wrote is `internal`. */
export class KeyReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = asBuffer(bytes);
    this.#at = offset;
  }

  u8(): number {
    return this.#bytes[this.#step(1)] ?? 0;
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#step(4));
  }

  u64(): number {
    const at = this.#step(8);
    const value = this.#bytes.readUInt32BE(at) * TWO_TO_32 + this.#bytes.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw damaged("holds a number above the safe integers");
    return value;
  }

  /** `sizeBytes` bytes, in memory of their own. */
  raw(sizeBytes: number): Uint8Array {
    const at = this.#step(sizeBytes);
    return Buffer.from(this.#bytes.subarray(at, at + sizeBytes));
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.raw(this.#bytes.byteLength - this.#at);
  }

  restText(): string {
    const at = this.#at;
    this.#at = this.#bytes.byteLength;
    return this.#bytes.toString("utf8", at);
  }

  ended(): Uint8Array {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw damaged("lacks the end of a part");
    const plain = Buffer.allocUnsafe(end - this.#at);
    let length = 0;
    for (let at = this.#at; at < end; at++) {
      const byte = this.#bytes[at] ?? 0;
      plain[length++] = byte === 1 ? (this.#bytes[++at] ?? 0) - 1 : byte;
    }
    this.#at = end + 1;
    return plain.subarray(0, length);
  }

  endedText(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    const escaped = this.#bytes.indexOf(1, this.#at);
    if (end < 0 || (escaped >= 0 && escaped < end)) {
      return asBuffer(this.ended()).toString("utf8");
    }
    const text = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end + 1;
    return text;
  }

  /** Throws unless the whole key was read. */
  finish(): void {
    if (this.#at !== this.#bytes.byteLength) throw damaged("has bytes left over");
  }

  /** The text before the next byte 00. */
  textBeforeNul(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw damaged("lacks the end of a part");
    const text = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end + 1;
    return text;
  }

  #step(sizeBytes: number): number {
    const at = this.#at;
    this.#at = at + sizeBytes;
    if (this.#at > this.#bytes.byteLength) throw damaged("ends early");
    return at;
  }
}

/** A whole number from 0 to 255. */
export const u8: KeyCodec<number> = part(
  (to, value) => to.u8(value),
  (from) => from.u8(),
);

/** A whole number from 0 to 2^32 - 1. */
export const u32: KeyCodec<number> = part(
  (to, value) => to.u32(value),
  (from) => from.u32(),
);

/** A safe integer from 0 on, in eight bytes. */
export const u64: KeyCodec<number> = part(
  (to, value) => to.u64(value),
  (from) => from.u64(),
);

/** A text of any length that other parts may follow. */
export const text: KeyCodec<string> = part(
  (to, value) => to.endedText(value),
  (from) => from.endedText(),
);

/** A text that other parts may follow and that has no NUL, which is refused: each other byte takes one byte. */
export const textWithoutNul: KeyCodec<string> = part(
  (to, value) => {
    if (value.includes("\0")) {
      throw new CairnError("invalidArgument", "a part of a key has NUL, expected none");
    }
    to.rawText(value);
    to.u8(0);
  },
  (from) => from.textBeforeNul(),
);

/** Bytes of any length that other parts may follow. */
export const bytes: KeyCodec<Uint8Array> = part(
  (to, value) => to.ended(value),
  (from) => from.ended(),
);

/** A text as the last part of a key: what begins with a text is then a range of keys. */
export const restText: KeyCodec<string> = part(
  (to, value) => to.rawText(value),
  (from) => from.restText(),
);

/** Bytes as the last part of a key. */
export const restBytes: KeyCodec<Uint8Array> = part(
  (to, value) => to.raw(value),
  (from) => from.rest(),
);

/** Exactly `sizeBytes` bytes, such as an id. */
export function fixed(sizeBytes: number): KeyCodec<Uint8Array> {
  return part(
    (to, value) => {
      if (value.byteLength !== sizeBytes) {
        throw new CairnError(
          "invalidArgument",
          `a part of a key has ${value.byteLength} bytes, expected ${sizeBytes}`,
        );
      }
      to.raw(value);
    },
    (from) => from.raw(sizeBytes),
  );
}

/** The parts one after the other: tuples sort by their first part, then by the second, and so on. */
export function tuple<T extends readonly unknown[]>(
  ...parts: { readonly [I in keyof T]: KeyCodec<T[I]> }
): KeyCodec<Readonly<T>> {
  const codecs: readonly KeyCodec<unknown>[] = parts;
  return {
    write: (to, key) => {
      for (let at = 0; at < codecs.length; at++) codecs[at]?.write(to, key[at]);
    },
    read: (from) => {
      const key = codecs.map((codec) => codec.read(from));
      // The codecs are those of the tuple's parts, in their order.
      return key as unknown as Readonly<T>;
    },
    writeLeading: (to, leading) => {
      assert(leading.length <= codecs.length, "more parts were given than the key has");
      const values: readonly unknown[] = leading;
      for (let at = 0; at < values.length; at++) codecs[at]?.write(to, values[at]);
    },
  };
}

/** The first key after all keys that begin with `prefix`: the end of their range. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let last = prefix.byteLength - 1;
  while (last >= 0 && prefix[last] === 0xff) last -= 1;
  assert(last >= 0, "no key is after all that begin with this prefix");
  const end = Buffer.from(prefix.subarray(0, last + 1));
  end[last] = (end[last] ?? 0) + 1;
  return end;
}

/** The first key after `key`. */
export function keyAfter(key: Uint8Array): Uint8Array {
  const after = Buffer.allocUnsafe(key.byteLength + 1);
  after.set(key);
  after[key.byteLength] = 0;
  return after;
}

function part<T>(
  write: (to: KeyWriter, value: T) => void,
  read: (from: KeyReader) => T,
): KeyCodec<T> {
  return { write, read, writeLeading: () => undefined };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checkWhole(value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new CairnError(
      "invalidArgument",
      `a part of a key is ${value}, expected a whole number from 0 to ${max}`,
    );
  }
}

function damaged(what: string): CairnError {
  return new CairnError("internal", `a stored key ${what}`);
}
