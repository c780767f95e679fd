import { isUtf8 } from "node:buffer";
import { CairnError } from "@cairnfs/base/errors";
import { joinUint64 } from "./uint64-words.ts";

/** How deep groups that nobody knows may be nested; messages are as deep as their types. */
const GROUPS_MAX = 100;
const VARINT_BYTES_MAX = 10;
/** Up to here a loop beats a call into the engine. */
const SHORT_TEXT_BYTES = 6;

const WireType = {
  varint: 0,
  fixed64: 1,
  bytes: 2,
  groupStart: 3,
  groupEnd: 4,
  fixed32: 5,
} as const;

const MAP_NAME_TAG = (1 << 3) | WireType.bytes;
const MAP_VALUE_TAG = (2 << 3) | WireType.bytes;

/** What a field of bytes is that was not sent. */
export const NO_BYTES = new Uint8Array(0);

/**
 * Reads the fields of protobuf messages. What is no field, reaches beyond the end or is no UTF-8 fails with
 * `protocolViolation`; whoever reads a message up to its end checks with `checkEnd` that its last field ends there.
 */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #length: number;
  #text: Buffer | undefined;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#length = bytes.byteLength;
  }

  /** Where the next field begins. */
  get at(): number {
    return this.#at;
  }

  /** Where what is nested here ends: its length comes first. */
  nestedEnd(): number {
    const sizeBytes = this.uint32();
    const end = this.#at + sizeBytes;
    if (end > this.#length) throw this.#violation("a field is longer than its message");
    return end;
  }

  checkEnd(end: number): void {
    if (this.#at !== end) throw this.#violation("a field ends beyond the end of its message");
  }

  /** The number of a field, and in the lower three bits its wire type. */
  tag(): number {
    const first = this.#byte();
    if (first < 0x80 && first > 7) return first;
    this.#at -= 1;
    const start = this.#at;
    const tag = this.uint32();
    const sizeBytes = this.#at - start;
    const isTooLong = sizeBytes > 5 || (sizeBytes === 5 && (this.#bytes[this.#at - 1] ?? 0) > 0x0f);
    if (isTooLong || tag < 8) throw this.#violation("a field has no valid number");
    return tag;
  }

  uint32(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift < 7 * VARINT_BYTES_MAX; shift += 7) {
      const byte = this.#byte();
      // Sign-extended numbers have ten bytes; the upper half of them does not count.
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw this.#violation("a number is longer than ten bytes");
  }

  int32(): number {
    return this.uint32() | 0;
  }

  uint64(): bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return joinUint64(low, 0);
    }
    const middle = this.#byte();
    low |= (middle & 0x7f) << 28;
    let high = (middle & 0x7f) >>> 4;
    if (middle < 0x80) return joinUint64(low, high);
    for (let shift = 3; shift <= 31; shift += 7) {
      const byte = this.#byte();
      high |= (byte & 0x7f) << shift;
      if (byte < 0x80) return joinUint64(low, high);
    }
    throw this.#violation("a number is longer than ten bytes");
  }

  bool(): boolean {
    let value = 0;
    for (let count = 0; count < VARINT_BYTES_MAX; count++) {
      const byte = this.#byte();
      value |= byte & 0x7f;
      if (byte < 0x80) return value !== 0;
    }
    throw this.#violation("a number is longer than ten bytes");
  }

  fixed32(): number {
    const at = this.#skip(4);
    const bytes = this.#bytes;
    const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    return (low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
  }

  /** A view of what is read. */
  bytes(): Uint8Array {
    const sizeBytes = this.uint32();
    const start = this.#skip(sizeBytes);
    return this.#bytes.subarray(start, start + sizeBytes);
  }

  string(): string {
    const sizeBytes = this.uint32();
    const start = this.#skip(sizeBytes);
    if (sizeBytes <= SHORT_TEXT_BYTES) {
      const short = this.#short(start, start + sizeBytes);
      if (short !== undefined) return short;
    }
    return this.#utf8(start, start + sizeBytes);
  }

  /** One entry of a map of strings, into `map`; what is missing of it is empty. */
  stringEntry(map: Record<string, string>): void {
    const end = this.nestedEnd();
    let name = "";
    let value = "";
    while (this.#at < end) {
      const tag = this.tag();
      if (tag === MAP_NAME_TAG) name = this.string();
      else if (tag === MAP_VALUE_TAG) value = this.string();
      else this.skipField(tag);
    }
    this.checkEnd(end);
    map[name] = value;
  }

  /** Passes over a field that is not known. */
  skipField(tag: number): void {
    const groups: number[] = [];
    for (let field = tag; ; field = this.tag()) {
      switch (field & 7) {
        case WireType.varint:
          this.bool();
          break;
        case WireType.fixed64:
          this.#skip(8);
          break;
        case WireType.bytes:
          this.#skip(this.uint32());
          break;
        case WireType.fixed32:
          this.#skip(4);
          break;
        case WireType.groupStart:
          if (groups.push(field >>> 3) > GROUPS_MAX) throw this.#violation("groups are too deep");
          break;
        case WireType.groupEnd:
          if (groups.pop() !== field >>> 3)
            throw this.#violation("a group ends that did not begin");
          break;
        default:
          throw this.#violation("a field has no valid type");
      }
      if (groups.length === 0) return;
    }
  }

  #byte(): number {
    if (this.#at >= this.#length) throw this.#violation("the message is cut short");
    return this.#bytes[this.#at++] ?? 0;
  }

  /** The place of so many bytes, which were passed over. */
  #skip(sizeBytes: number): number {
    const start = this.#at;
    if (sizeBytes > this.#length - start) throw this.#violation("the message is cut short");
    this.#at = start + sizeBytes;
    return start;
  }

  /** Undefined unless it is ASCII. */
  #short(start: number, end: number): string | undefined {
    let text = "";
    for (let at = start; at < end; at++) {
      const code = this.#bytes[at] ?? 0;
      if (code > 0x7f) return undefined;
      text += String.fromCharCode(code);
    }
    return text;
  }

  #utf8(start: number, end: number): string {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.#text ??= Buffer.from(buffer, byteOffset, byteLength);
    const text = this.#text.toString("utf8", start, end);
    // What is no UTF-8 is read as U+FFFD, which may also be meant.
    if (text.includes("\ufffd") && !isUtf8(this.#bytes.subarray(start, end))) {
      throw this.#violation("a text is no UTF-8");
    }
    return text;
  }

  #violation(fact: string): CairnError {
    return new CairnError("protocolViolation", `${fact}, at byte ${this.#at} of ${this.#length}`);
  }
}
