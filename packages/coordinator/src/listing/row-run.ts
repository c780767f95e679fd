import { present } from "@cairnfs/base/assert";
import type { Awaitable, KvEntry, KvReader } from "@cairnfs/kv/kv-store";
import { prefixEnd } from "@cairnfs/kv/ordered-key";

/** Rows are read few at first, and more the longer they are read one after the other. */
const FEW_ROWS = 8;
const MANY_ROWS = 512;
const GROWTH = 4;
/** No rest of a key comes near it: where a longer one would be, a place of this length is. */
const SEEK_BYTES_MAX = 1_600;

const NUL = Buffer.alloc(1);

/** The rows whose keys begin alike, in the order of what follows in them, and a place among them that moves forward only. */
export class RowRun {
  readonly #within: Uint8Array;
  #rows: readonly KvEntry[] = [];
  /** The row at the place. */
  #at = 0;
  /** There are no more rows than those. */
  #isRead = false;
  /** What to read on from. */
  #from: Buffer = Buffer.alloc(0);
  #batch = FEW_ROWS;

  constructor(within: Uint8Array) {
    this.#within = within;
  }

  /** The row at the place; `undefined` behind the last one. */
  row(reader: KvReader): Awaitable<KvEntry | undefined> {
    return this.#rows[this.#at] ?? (this.#isRead ? undefined : this.#readOn(reader));
  }

  /** Passes the row at the place, which was looked at. */
  pass(): void {
    this.#at += 1;
  }

  /** What follows in the key of a row. */
  restOf({ key }: KvEntry): Buffer {
    const { byteLength } = this.#within;
    return Buffer.from(key.buffer, key.byteOffset + byteLength, key.byteLength - byteLength);
  }

  /** Moves on to the first row of which the rest of the key is not before `rest`. */
  moveTo(rest: Buffer): void {
    let low = this.#at;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = present(this.#rows[middle], "a row is among the rows");
      if (Buffer.compare(this.restOf(row), rest) < 0) low = middle + 1;
      else high = middle;
    }
    this.#at = low;
    if (low < this.#rows.length || this.#isRead || Buffer.compare(rest, this.#from) <= 0) return;
    this.#from = Buffer.from(rest.subarray(0, SEEK_BYTES_MAX));
    this.#batch = FEW_ROWS;
  }

  async #readOn(reader: KvReader): Promise<KvEntry | undefined> {
    const limit = this.#batch;
    const start = Buffer.concat([this.#within, this.#from]);
    this.#rows = await reader.range({ start, end: prefixEnd(this.#within), limit });
    this.#at = 0;
    this.#isRead = this.#rows.length < limit;
    this.#batch = Math.min(MANY_ROWS, limit * GROWTH);
    const last = this.#rows.at(-1);
    if (last !== undefined) this.#from = Buffer.concat([this.restOf(last), NUL]);
    return this.#rows[0];
  }
}
