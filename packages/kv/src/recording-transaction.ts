import { assert } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import { counterBytes, counterValue } from "./counter.ts";
import { keyBytes, keyText } from "./key-text.ts";
import type { KvEntry, KvRange, KvTransaction } from "./kv-store.ts";
import { checkBound, checkKey, checkRangeLimit, checkValue } from "./limits.ts";
import type { SortedCursor } from "./sorted-map.ts";
import { LayeredCursor, TOMBSTONE, type View } from "./view.ts";
import { WriteBuffer } from "./write-buffer.ts";

/** What a transaction has read: whoever changes any of it conflicts with the transaction. */
export interface ReadSet {
  readonly keys: readonly string[];
  readonly ranges: readonly { readonly start: string; readonly end: string }[];
}

/**
 * A transaction over one view: it remembers what it read and gathers what it writes.
 * A range that returned as many entries as it was allowed counts as read up to the last of them.
 */
export class RecordingTransaction implements KvTransaction {
  readonly writes = new WriteBuffer();
  readonly #view: View;
  readonly #keys: string[] = [];
  readonly #ranges: { readonly start: string; readonly end: string }[] = [];
  #isOpen = true;

  constructor(view: View) {
    this.#view = view;
  }

  get reads(): ReadSet {
    return { keys: this.#keys, ranges: this.#ranges };
  }

  /** From here on the transaction refuses to be used. */
  end(): void {
    this.#isOpen = false;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#get(key);
  }

  getShared(key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    checkKey(key);
    const text = keyText(key);
    if (!this.writes.isEmpty && this.writes.find(text) !== undefined) return this.#get(key);
    this.#keys.push(text);
    return this.#view.getShared(text, key);
  }

  getMany(keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    return keys.map((key) => this.#get(key));
  }

  range(range: KvRange): KvEntry[] {
    this.#checkOpen();
    checkBound(range.start);
    checkBound(range.end);
    checkRangeLimit(range.limit);
    const start = keyText(range.start);
    const end = keyText(range.end);
    const isReverse = range.reverse ?? false;
    const entries: KvEntry[] = [];
    if (start >= end) return entries;
    const cursor = this.#cursor(start, end, isReverse);
    let last: string | undefined;
    while (cursor.key !== undefined && entries.length < range.limit) {
      last = cursor.key;
      // A cursor that stands on a key has a value.
      const value = cursor.value as Uint8Array;
      entries.push({ key: keyBytes(last), value: Buffer.from(value) });
      cursor.advance();
    }
    cursor.close();
    const isCut = entries.length === range.limit && last !== undefined;
    this.#ranges.push({
      start: isCut && isReverse ? (last ?? start) : start,
      end: isCut && !isReverse ? `${last}\0` : end,
    });
    return entries;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#checkOpen();
    checkKey(key);
    checkValue(value);
    this.writes.put(keyText(key), value);
  }

  delete(key: Uint8Array): void {
    this.#checkOpen();
    checkKey(key);
    this.writes.delete(keyText(key));
  }

  deleteRange(start: Uint8Array, end: Uint8Array): void {
    this.#checkOpen();
    checkBound(start);
    checkBound(end);
    this.writes.deleteRange(keyText(start), keyText(end));
  }

  add(key: Uint8Array, delta: number): void {
    this.#checkOpen();
    checkKey(key);
    if (!Number.isSafeInteger(delta)) {
      throw new CairnError("invalidArgument", `${delta} is added, expected a safe integer`);
    }
    this.writes.add(keyText(key), delta);
  }

  append(prefix: Uint8Array, value: Uint8Array): void {
    this.#checkOpen();
    checkValue(value);
    this.writes.append(prefix, value);
  }

  #get(key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    checkKey(key);
    const text = keyText(key);
    const own = this.writes.isEmpty ? undefined : this.writes.find(text);
    if (own === TOMBSTONE) return undefined;
    if (own instanceof Uint8Array) return Buffer.from(own);
    this.#keys.push(text);
    const stored = this.#view.get(text, key);
    if (typeof own === "number") return counterBytes(counterValue(stored) + own);
    return stored;
  }

  #cursor(start: string, end: string, isReverse: boolean): SortedCursor<Uint8Array> {
    const stored = this.#view.cursor(start, end, isReverse);
    if (this.writes.isEmpty) return stored;
    return new LayeredCursor(this.writes.layer(start, end, isReverse), stored, isReverse);
  }

  #checkOpen(): void {
    assert(this.#isOpen, "a transaction was used after its body had ended");
  }
}
