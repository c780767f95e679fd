/**
 * Values as compact bytes.
 *
 *     0         1
 *     | version | fields, in the order in which the codec writes them ...
 *
 *     varint         7 bits a byte, low bits first, high bit = more follows; a safe integer
 *     u8, u32, u64   1, 4, 8 bytes, big-endian; a u64 is a safe integer
 *     bytes, text    varint length, then the bytes; texts are UTF-8
 *     list           varint count, then the items
 *     textMap        varint count, then key and value of each as texts
 *     optional       one byte, 0 or 1, then the value if 1
 *
 * docs/formats/ordered-key.md is the register.
 */

import { assert } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";

const TWO_TO_32 = 2 ** 32;
const TWO_TO_28 = 2 ** 28;
/** Below this a loop is quicker than a call into the engine's decoder. */
const SHORT_TEXT_BYTES = 16;

/** How a value of type `V` is stored. `decode` is the exact inverse of `encode`. */
export interface ValueCodec<V> {
  encode(value: V): Uint8Array;
  decode(bytes: Uint8Array): V;
}

export interface RecordFormat<V> {
  /** The version that is written: 1 to 255. */
  readonly version: number;
  write(to: RecordWriter, value: V): void;
  read(from: RecordReader): V;
  /** How records of earlier versions are read. */
  readonly earlier?: Readonly<Record<number, (from: RecordReader) => V>>;
}

/** A codec whose first byte is the version. A version that it does not know is `internal`. */
export function recordCodec<V>(name: string, format: RecordFormat<V>): ValueCodec<V> {
  const { version, earlier = {} } = format;
  assert(version >= 1 && version <= 255, "a record version is 1 to 255");
  return {
    encode: (value) => {
      const to = writers.pop() ?? new RecordWriter();
      to.reset();
      to.u8(version);
      format.write(to, value);
      const bytes = to.finish();
      writers.push(to);
      return bytes;
    },
    decode: (bytes) => {
      const from = new RecordReader(bytes);
      const found = from.u8();
      const value = found === version ? format.read(from) : readEarlier(found, from);
      if (from.left !== 0) throw damaged(`${name} record has ${from.left} bytes left over`);
      return value;
    },
  };

  function readEarlier(found: number, from: RecordReader): V {
    const read = earlier[found];
    if (read === undefined) {
      throw damaged(`${name} record has version ${found}, expected at most ${version}`);
    }
    return read(from);
  }
}

const EMPTY_MAP: ReadonlyMap<string, string> = new Map();

/** Writers at rest; more than one only where a record is encoded within another. */
const writers: RecordWriter[] = [];

/** Records are cut from slabs: memory of its own for each of a few KiB costs as much as writing it. */
const SLAB_BYTES = 128 * 1024;
const SLICE_BYTES_MAX = 16 * 1024;
let slab = Buffer.allocUnsafeSlow(0);
let slabAt = 0;

function takeBytes(sizeBytes: number): Buffer {
  if (sizeBytes > SLICE_BYTES_MAX) return Buffer.allocUnsafeSlow(sizeBytes);
  if (slabAt + sizeBytes > slab.byteLength) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    slabAt = 0;
  }
  slabAt += sizeBytes;
  return slab.subarray(slabAt - sizeBytes, slabAt);
}

/** Gathers the fields of one record. Numbers outside their range are the caller's bug. */
export class RecordWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #length = 0;

  reset(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    checkWhole(value, 0xff);
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    checkWhole(value, TWO_TO_32 - 1);
    const at = this.#room(4);
    this.#bytes.writeUInt32BE(value, at);
  }

  u64(value: number): void {
    checkWhole(value, Number.MAX_SAFE_INTEGER);
    const at = this.#room(8);
    this.#bytes.writeUInt32BE(Math.floor(value / TWO_TO_32), at);
    this.#bytes.writeUInt32BE(value >>> 0, at + 4);
  }

  /** A safe integer from 0 on, in as few bytes as it needs. */
  varint(value: number): void {
    checkWhole(value, Number.MAX_SAFE_INTEGER);
    if (value < 128) {
      // Making room may change the buffer: it comes first.
      const only = this.#room(1);
      this.#bytes[only] = value;
      return;
    }
    let at = this.#room(8);
    let left = value;
    while (left >= TWO_TO_28) {
      this.#bytes[at++] = (left & 0x7f) | 0x80;
      left = Math.floor(left / 128);
    }
    while (left >= 128) {
      this.#bytes[at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.#bytes[at++] = left;
    this.#length = at;
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  bytes(value: Uint8Array): void {
    this.varint(value.byteLength);
    this.fixed(value);
  }

  /** The bytes alone: the reader knows how many there are. */
  fixed(value: Uint8Array): void {
    const at = this.#room(value.byteLength);
    this.#bytes.set(value, at);
  }

  text(value: string): void {
    const sizeBytes = Buffer.byteLength(value, "utf8");
    this.varint(sizeBytes);
    const at = this.#room(sizeBytes);
    this.#bytes.write(value, at, "utf8");
  }

  /** Writes whether there is a value, and the value if so. */
  optional<T>(value: T | undefined, write: (to: this, value: T) => void): void {
    this.bool(value !== undefined);
    if (value !== undefined) write(this, value);
  }

  list<T>(items: readonly T[], write: (to: this, item: T) => void): void {
    this.varint(items.length);
    for (const item of items) write(this, item);
  }

  textMap(map: ReadonlyMap<string, string>): void {
    this.varint(map.size);
    for (const [key, value] of map) {
      this.text(key);
      this.text(value);
    }
  }

  /** The record so far, in bytes of its own. */
  finish(): Uint8Array {
    const record = takeBytes(this.#length);
    this.#bytes.copy(record, 0, 0, this.#length);
    return record;
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
}

/** Takes one record apart. A record that ends early or cannot be is `internal`. */
export class RecordReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes are left to read. */
  get left(): number {
    return this.#bytes.byteLength - this.#at;
  }

  u8(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw damaged("a record ends early");
    this.#at += 1;
    return value;
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#step(4));
  }

  u64(): number {
    const at = this.#step(8);
    const value = this.#bytes.readUInt32BE(at) * TWO_TO_32 + this.#bytes.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw damaged("a record has a number above the safe ones");
    return value;
  }

  varint(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let scale = 128;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
      if (scale > Number.MAX_SAFE_INTEGER) throw damaged("a record has a number without end");
    }
    if (!Number.isSafeInteger(value)) throw damaged("a record has a number above the safe ones");
    return value;
  }

  bool(): boolean {
    const value = this.u8();
    if (value > 1) throw damaged(`a record has ${value} where 0 or 1 is expected`);
    return value === 1;
  }

  /** A view of the record: it lives as long as the record's bytes are not written over. */
  bytes(): Uint8Array {
    return this.fixed(this.varint());
  }

  /** A view of the next `sizeBytes` bytes of the record. */
  fixed(sizeBytes: number): Uint8Array {
    const at = this.#step(sizeBytes);
    return this.#bytes.subarray(at, at + sizeBytes);
  }

  text(): string {
    const sizeBytes = this.varint();
    const at = this.#step(sizeBytes);
    const end = at + sizeBytes;
    if (sizeBytes > SHORT_TEXT_BYTES) return this.#bytes.toString("utf8", at, end);
    let value = "";
    for (let next = at; next < end; next++) {
      const byte = this.#bytes[next] ?? 0;
      if (byte >= 0x80) return this.#bytes.toString("utf8", at, end);
      value += String.fromCharCode(byte);
    }
    return value;
  }

  optional<T>(read: (from: this) => T): T | undefined {
    return this.bool() ? read(this) : undefined;
  }

  list<T>(read: (from: this) => T): T[] {
    const count = this.#count();
    const items: T[] = [];
    for (let at = 0; at < count; at++) items.push(read(this));
    return items;
  }

  textMap(): ReadonlyMap<string, string> {
    const count = this.#count();
    if (count === 0) return EMPTY_MAP;
    const map = new Map<string, string>();
    for (let at = 0; at < count; at++) {
      const key = this.text();
      map.set(key, this.text());
    }
    return map;
  }

  /** Each item has a byte at least, so a damaged count cannot make us allocate for ever. */
  #count(): number {
    const count = this.varint();
    if (count > this.left) throw damaged(`a record claims ${count} items in ${this.left} bytes`);
    return count;
  }

  #step(sizeBytes: number): number {
    const at = this.#at;
    this.#at = at + sizeBytes;
    if (this.#at > this.#bytes.byteLength) throw damaged("a record ends early");
    return at;
  }
}

/** An assertion whose message is made only when it is needed: this runs for every number of every record. */
function checkWhole(value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  assert(false, `a record's number is ${value}, expected a whole one from 0 to ${max}`);
}

function damaged(message: string): CairnError {
  return new CairnError("internal", message);
}
