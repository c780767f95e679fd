import { CairnError } from "@cairnfs/base/errors";
import { counterBytes, counterValue } from "./counter.ts";
import { keyText } from "./key-text.ts";
import { KEY_BYTES_MAX, TRANSACTION_BYTES_MAX } from "./limits.ts";
import { SortedMap } from "./sorted-map.ts";
import { type Layer, type OwnWrite, TOMBSTONE, type View, type Written } from "./view.ts";

/** What is appended gets this many bytes after the log's prefix: the commit's number and a count within it. */
export const POSITION_BYTES = 12;
const TWO_TO_32 = 2 ** 32;

export interface ResolvedWrite {
  readonly key: string;
  readonly written: Written;
}

interface TextRange {
  readonly start: string;
  readonly end: string;
}

/** What one transaction would write, readable before it is written. */
export class WriteBuffer {
  readonly #writes = new Map<string, OwnWrite>();
  /** The same in order, from the first look at a range on. */
  #sorted: SortedMap<OwnWrite> | undefined;
  readonly #deletedRanges: TextRange[] = [];
  readonly #appends: { readonly prefix: string; readonly value: Uint8Array }[] = [];

  #sizeBytes = 0;

  get isEmpty(): boolean {
    return (
      this.#writes.size === 0 && this.#deletedRanges.length === 0 && this.#appends.length === 0
    );
  }

  get hasAppends(): boolean {
    return this.#appends.length > 0;
  }

  /** The writes in [start, end), to be laid over what is stored. */
  layer(start: string, end: string, isReverse: boolean): Layer {
    const cursor = this.#inOrder().cursor(start, end, isReverse);
    return this.#deletedRanges.length === 0
      ? { cursor }
      : { cursor, hides: (key) => this.#isRangeDeleted(key) };
  }

  put(key: string, value: Uint8Array): void {
    this.#count(key.length + value.byteLength);
    this.#set(key, value);
  }

  delete(key: string): void {
    this.#count(key.length);
    this.#set(key, TOMBSTONE);
  }

  deleteRange(start: string, end: string): void {
    if (start >= end) return;
    const covered: string[] = [];
    const cursor = this.#inOrder().cursor(start, end, false);
    for (; cursor.key !== undefined; cursor.advance()) covered.push(cursor.key);
    for (const key of covered) {
      this.#writes.delete(key);
      this.#sorted?.delete(key);
    }
    this.#deletedRanges.push({ start, end });
  }

  add(key: string, delta: number): void {
    const own = this.find(key);
    if (own === undefined) this.#set(key, delta);
    else if (typeof own === "number") this.#set(key, own + delta);
    else {
      const before = own === TOMBSTONE ? undefined : own;
      this.#set(key, counterBytes(counterValue(before) + delta));
    }
  }

  append(prefix: Uint8Array, value: Uint8Array): void {
    if (prefix.byteLength + POSITION_BYTES > KEY_BYTES_MAX) {
      throw new CairnError(
        "invalidArgument",
        `a log's prefix has ${prefix.byteLength} bytes, expected at most ${KEY_BYTES_MAX - POSITION_BYTES}`,
      );
    }
    this.#count(prefix.byteLength + POSITION_BYTES + value.byteLength);
    this.#appends.push({ prefix: keyText(prefix), value });
  }

  /** What this transaction wrote at `key`; `undefined` when it did not. */
  find(key: string): OwnWrite | undefined {
    return this.#writes.get(key) ?? (this.#isRangeDeleted(key) ? TOMBSTONE : undefined);
  }

  /** The writes as values and deletions, for a commit of number `sequence` on top of `latest`. */
  resolve(latest: View, sequence: number): ResolvedWrite[] {
    const resolved: ResolvedWrite[] = [];
    for (const { start, end } of this.#deletedRanges) {
      const cursor = latest.cursor(start, end, false);
      for (; cursor.key !== undefined; cursor.advance()) {
        if (this.#writes.get(cursor.key) === undefined) {
          resolved.push({ key: cursor.key, written: TOMBSTONE });
        }
      }
      cursor.close();
    }
    for (const [key, own] of this.#writes) {
      resolved.push({ key, written: resolveOne(key, own, latest) });
    }
    let index = 0;
    for (const { prefix, value } of this.#appends) {
      resolved.push({ key: prefix + positionText(sequence, index), written: value });
      index += 1;
    }
    return resolved;
  }

  #set(key: string, own: OwnWrite): void {
    this.#writes.set(key, own);
    this.#sorted?.set(key, own);
  }

  #inOrder(): SortedMap<OwnWrite> {
    if (this.#sorted === undefined) {
      this.#sorted = new SortedMap();
      for (const [key, own] of this.#writes) this.#sorted.set(key, own);
    }
    return this.#sorted;
  }

  #count(sizeBytes: number): void {
    this.#sizeBytes += sizeBytes;
    if (this.#sizeBytes > TRANSACTION_BYTES_MAX) {
      throw new CairnError(
        "invalidArgument",
        `a transaction writes ${this.#sizeBytes} bytes, expected at most ${TRANSACTION_BYTES_MAX}`,
      );
    }
  }

  /** Whether a range deletion covers what the store has at `key`. */
  #isRangeDeleted(key: string): boolean {
    if (this.#deletedRanges.length === 0) return false;
    return this.#deletedRanges.some((range) => key >= range.start && key < range.end);
  }
}

function resolveOne(key: string, own: OwnWrite, latest: View): Written {
  if (typeof own !== "number") return own;
  const before = latest.get(key);
  return counterBytes(counterValue(before) + own);
}

function positionText(sequence: number, index: number): string {
  const position = Buffer.allocUnsafe(POSITION_BYTES);
  position.writeUInt32BE(Math.floor(sequence / TWO_TO_32), 0);
  position.writeUInt32BE(sequence >>> 0, 4);
  position.writeUInt32BE(index, 8);
  return position.toString("latin1");
}
