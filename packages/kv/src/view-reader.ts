import { assert } from "@cairnfs/base/assert";
import { keyBytes, keyText } from "./key-text.ts";
import type { KvEntry, KvRange, KvReader } from "./kv-store.ts";
import { checkBound, checkKey, checkRangeLimit } from "./limits.ts";
import type { View } from "./view.ts";

/** Reads one view for a body, and refuses to once the body has ended. */
export class ViewReader implements KvReader {
  readonly #view: View;
  #isOpen = true;

  constructor(view: View) {
    this.#view = view;
  }

  /** From here on the reader refuses to be used. */
  end(): void {
    this.#isOpen = false;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#get(key);
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return keys.map((key) => this.#get(key));
  }

  async range(range: KvRange): Promise<KvEntry[]> {
    this.#checkOpen();
    checkBound(range.start);
    checkBound(range.end);
    checkRangeLimit(range.limit);
    return readRange(this.#view, range);
  }

  #get(key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    checkKey(key);
    return this.#view.get(keyText(key), key);
  }

  #checkOpen(): void {
    assert(this.#isOpen, "a reader was used after its body had ended");
  }
}

function readRange(view: View, range: KvRange): KvEntry[] {
  const start = keyText(range.start);
  const end = keyText(range.end);
  const entries: KvEntry[] = [];
  if (start >= end) return entries;
  const cursor = view.cursor(start, end, range.reverse ?? false);
  while (cursor.key !== undefined && cursor.value !== undefined && entries.length < range.limit) {
    entries.push({ key: keyBytes(cursor.key), value: Buffer.from(cursor.value) });
    cursor.advance();
  }
  cursor.close();
  return entries;
}
