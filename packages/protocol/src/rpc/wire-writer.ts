import { assert } from "@cairnfs/base/assert";
import type { MessageParts } from "./transport.ts";
import { highWord, lowWord, splitUint64 } from "./uint64-words.ts";

const SLAB_BYTES = 32 * 1024;
/** Larger byte fields are parts of their own: what is smaller is cheaper to copy than to be sent by itself. */
const COPIED_BYTES_MAX = 4 * 1024;
/** Up to here a loop beats a call into the engine. */
const SHORT_TEXT_LENGTH = 24;
const UINT64_BYTES_MAX = 10;
const MAP_NAME_TAG = (1 << 3) | 2;
const MAP_VALUE_TAG = (2 << 3) | 2;

/**
 * Writes a protobuf message from its end to its beginning, so that the length of everything nested is known when it is
 * to be written: fields come in descending order, and of each field first the value and then the tag. Messages share
 * slabs of memory, and large fields of bytes are not copied.
 */
export class WireWriter {
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** What was written last is here. */
  #at = SLAB_BYTES;
  /** The piece being written ends here. */
  #end = SLAB_BYTES;
  /** The pieces behind this one, the last first. */
  #behind: Uint8Array[] = [];
  #behindBytes = 0;

  /** Forgets what was not finished. */
  begin(): void {
    this.#end = this.#at;
    if (this.#behindBytes === 0) return;
    this.#behind = [];
    this.#behindBytes = 0;
  }

  /** The message that was written since `begin`, in the order of the wire. The parts are nobody else's. */
  finish(): MessageParts {
    const front = this.#slab.subarray(this.#at, this.#end);
    this.#end = this.#at;
    if (this.#slab.byteLength > SLAB_BYTES) this.#takeSlab(SLAB_BYTES);
    if (this.#behindBytes === 0) return [front];
    const parts = this.#behind.reverse();
    if (front.byteLength > 0) parts.unshift(front);
    this.#behind = [];
    this.#behindBytes = 0;
    return parts;
  }

  /** How much was written since `begin`; what `lengthSince` counts from. */
  get writtenBytes(): number {
    return this.#end - this.#at + this.#behindBytes;
  }

  /** The length of what was written since there were `writtenBytes`. */
  lengthSince(writtenBytes: number): void {
    this.uint32(this.writtenBytes - writtenBytes);
  }

  byte(value: number): void {
    if (this.#at === 0) this.#grow(1);
    this.#slab[--this.#at] = value;
  }

  bool(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  uint32(value: number): void {
    assert(value >>> 0 === value, "a uint32 is a whole number from 0 to 4294967295");
    if (value < 0x80) this.byte(value);
    else this.#varint(value, 0);
  }

  /** Enums: what is negative takes ten bytes. */
  int32(value: number): void {
    assert((value | 0) === value, "an int32 is a whole number of 32 bits");
    if (value >= 0 && value < 0x80) this.byte(value);
    else this.#varint(value >>> 0, value < 0 ? 0xffff_ffff : 0);
  }

  uint64(value: bigint): void {
    assert(splitUint64(value), "a uint64 is a whole number of 64 bits, not negative");
    const low = lowWord();
    const high = highWord();
    if (high === 0 && low < 0x80) this.byte(low);
    else this.#varint(low, high);
  }

  fixed32(value: number): void {
    assert(value >>> 0 === value, "a fixed32 is a whole number from 0 to 4294967295");
    if (this.#at < 4) this.#grow(4);
    this.#at -= 4;
    this.#slab.writeUInt32LE(value, this.#at);
  }

  /** The length and the text. Half a surrogate pair becomes U+FFFD. */
  string(value: string): void {
    const { length } = value;
    if (length > SHORT_TEXT_LENGTH || !this.#short(value)) {
      const sizeBytes = Buffer.byteLength(value);
      if (this.#at < sizeBytes) this.#grow(sizeBytes);
      this.#at -= sizeBytes;
      this.#slab.write(value, this.#at, sizeBytes, "utf8");
      this.uint32(sizeBytes);
    } else this.byte(length);
  }

  /** The length and the bytes, which must not change until they are sent. */
  bytes(value: Uint8Array): void {
    const { byteLength } = value;
    if (byteLength > COPIED_BYTES_MAX) this.#keep(value);
    else {
      if (this.#at < byteLength) this.#grow(byteLength);
      this.#at -= byteLength;
      this.#slab.set(value, this.#at);
    }
    this.uint32(byteLength);
  }

  /** The entries of a map of strings, each a field with this tag. */
  stringMap(tag: number, map: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(map).reverse()) {
      const before = this.writtenBytes;
      this.string(value);
      this.byte(MAP_VALUE_TAG);
      this.string(name);
      this.byte(MAP_NAME_TAG);
      this.lengthSince(before);
      this.uint32(tag);
    }
  }

  /** Whether the text was written, being ASCII. */
  #short(value: string): boolean {
    const { length } = value;
    if (this.#at < length) this.#grow(length);
    const slab = this.#slab;
    let at = this.#at;
    for (let index = length - 1; index >= 0; index--) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return false;
      slab[--at] = code;
    }
    this.#at = at;
    return true;
  }

  #varint(low: number, high: number): void {
    if (this.#at < UINT64_BYTES_MAX) this.#grow(UINT64_BYTES_MAX);
    const slab = this.#slab;
    let at = this.#at - varintSize(low, high);
    this.#at = at;
    let lowLeft = low;
    let highLeft = high;
    while (highLeft > 0 || lowLeft > 0x7f) {
      slab[at++] = (lowLeft & 0x7f) | 0x80;
      lowLeft = ((lowLeft >>> 7) | (highLeft << 25)) >>> 0;
      highLeft >>>= 7;
    }
    slab[at] = lowLeft;
  }

  #keep(part: Uint8Array): void {
    if (this.#at < this.#end) {
      this.#behind.push(this.#slab.subarray(this.#at, this.#end));
      this.#behindBytes += this.#end - this.#at;
      this.#end = this.#at;
    }
    this.#behind.push(part);
    this.#behindBytes += part.byteLength;
  }

  /** Moves the piece being written to the end of a new slab, where there is room before it. */
  #grow(neededBytes: number): void {
    const slab = this.#slab;
    const [at, end] = [this.#at, this.#end];
    const pieceBytes = end - at;
    this.#takeSlab(Math.max(SLAB_BYTES, 2 * (pieceBytes + neededBytes)));
    this.#at -= pieceBytes;
    slab.copy(this.#slab, this.#at, at, end);
  }

  /** Slabs are not used again: parts of them are on their way. */
  #takeSlab(sizeBytes: number): void {
    this.#slab = Buffer.allocUnsafeSlow(sizeBytes);
    this.#at = sizeBytes;
    this.#end = sizeBytes;
  }
}

function varintSize(low: number, high: number): number {
  const bits = high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
  return Math.max(1, Math.ceil(bits / 7));
}
