import { assert } from "@cairnfs/base/assert";
import type { Awaitable, KvEntry, KvRange, KvReader, KvTransaction } from "./kv-store.ts";
import {
  type KeyCodec,
  KeyReader,
  KeyWriter,
  keyAfter,
  type Leading,
  prefixEnd,
} from "./ordered-key.ts";
import type { ValueCodec } from "./record.ts";

/** Every table's keys begin with so many bytes of its own. */
export const TABLE_PREFIX_BYTES = 4;

export interface TableFormat<K, V> {
  /** Four ASCII characters that no other table has. */
  readonly prefix: string;
  readonly key: KeyCodec<K>;
  readonly value: ValueCodec<V>;
}

export interface Row<K, V> {
  readonly key: K;
  readonly value: V;
}

/** The rows from one key to another, in key order. Each bound narrows the range further. */
export interface RowRange<K> {
  /** Only keys that begin with these parts; a `restText` given last is a prefix of the text. */
  readonly within?: Leading<K>;
  /** Only keys from this one on. */
  readonly from?: K;
  /** Only keys after this one. */
  readonly after?: K;
  /** Only keys before this one. */
  readonly before?: K;
}

export interface RowPage<K> extends RowRange<K> {
  /** At most this many rows; 1 to 10,000. */
  readonly limit: number;
  /** From the last row backwards. */
  readonly reverse?: boolean;
}

const writer = new KeyWriter();

/** A typed view of the keys that begin with one prefix. It holds nothing: readers and transactions are handed in. */
export class Table<K, V> {
  readonly prefix: string;
  readonly #prefixBytes: Uint8Array;
  readonly #key: KeyCodec<K>;
  readonly #value: ValueCodec<V>;
  /** What shared values were decoded to, while the store keeps them. */
  readonly #decoded = new WeakMap<Uint8Array, V>();

  constructor(format: TableFormat<K, V>) {
    this.prefix = format.prefix;
    this.#prefixBytes = Buffer.from(format.prefix, "latin1");
    assert(/^[\x21-\x7e]{4}$/u.test(format.prefix), `table prefix ${format.prefix} is not 4 ASCII`);
    this.#key = format.key;
    this.#value = format.value;
  }

  /** The stored key of `key`. */
  keyOf(key: K): Uint8Array {
    writer.reset().raw(this.#prefixBytes);
    this.#key.write(writer, key);
    return writer.finish();
  }

  /** The key that `keyOf` made these bytes of. */
  keyFrom(bytes: Uint8Array): K {
    const reader = new KeyReader(bytes, TABLE_PREFIX_BYTES);
    const key = this.#key.read(reader);
    reader.finish();
    return key;
  }

  encode(value: V): Uint8Array {
    return this.#value.encode(value);
  }

  decode(bytes: Uint8Array): V {
    return this.#value.decode(bytes);
  }

  get(reader: KvReader, key: K): Awaitable<V | undefined> {
    const found = reader.get(this.keyOf(key));
    return found instanceof Promise ? found.then(this.#optional) : this.#optional(found);
  }

  /** As `get`, for rows that are read again and again. The value is shared, and must not be changed. */
  getShared(reader: KvReader, key: K): Awaitable<V | undefined> {
    const found = reader.getShared(this.keyOf(key));
    return found instanceof Promise ? found.then(this.#known) : this.#known(found);
  }

  /** Whether there is a row at `key`, without decoding it. */
  async has(reader: KvReader, key: K): Promise<boolean> {
    return (await reader.get(this.keyOf(key))) !== undefined;
  }

  /** The rows at `keys`, in their order. */
  getMany(reader: KvReader, keys: readonly K[]): Awaitable<(V | undefined)[]> {
    const found = reader.getMany(keys.map((key) => this.keyOf(key)));
    return found instanceof Promise
      ? found.then((all) => all.map(this.#optional))
      : found.map(this.#optional);
  }

  /** One page of rows. Fewer than `limit` means that there are no more. */
  async page(reader: KvReader, page: RowPage<K>): Promise<Row<K, V>[]> {
    const entries = await reader.range(this.#rangeOf(page));
    const rows: Row<K, V>[] = new Array(entries.length);
    for (const [at, entry] of entries.entries()) {
      rows[at] = { key: this.keyFrom(entry.key), value: this.#value.decode(entry.value) };
    }
    return rows;
  }

  /** The same page as it is stored. */
  rawPage(reader: KvReader, page: RowPage<K>): Awaitable<KvEntry[]> {
    return reader.range(this.#rangeOf(page));
  }

  /** The first row of the range, or its last with `reverse`. */
  async first(
    reader: KvReader,
    range: RowRange<K> & { readonly reverse?: boolean } = {},
  ): Promise<Row<K, V> | undefined> {
    const [row] = await this.page(reader, { ...range, limit: 1 });
    return row;
  }

  /** All rows of the range, read in pages of `limit` while they are asked for. */
  async *scan(reader: KvReader, page: RowPage<K>): AsyncGenerator<Row<K, V>, void, undefined> {
    let next = page;
    for (;;) {
      const rows = await this.page(reader, next);
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < page.limit) return;
      next = page.reverse ? { ...next, before: last.key } : { ...next, after: last.key };
    }
  }

  put(tx: KvTransaction, key: K, value: V): void {
    tx.put(this.keyOf(key), this.#value.encode(value));
  }

  delete(tx: KvTransaction, key: K): void {
    tx.delete(this.keyOf(key));
  }

  /** Deletes every row of the range. */
  deleteRange(tx: KvTransaction, range: RowRange<K> = {}): void {
    const { start, end } = this.bounds(range);
    tx.deleteRange(start, end);
  }

  /** The stored keys that bound `range`. */
  bounds(range: RowRange<K> = {}): { readonly start: Uint8Array; readonly end: Uint8Array } {
    writer.reset().raw(this.#prefixBytes);
    if (range.within !== undefined) this.#key.writeLeading(writer, range.within);
    let start = writer.finish();
    let end = prefixEnd(start);
    if (range.from !== undefined) start = later(start, this.keyOf(range.from));
    if (range.after !== undefined) start = later(start, keyAfter(this.keyOf(range.after)));
    if (range.before !== undefined) {
      const before = this.keyOf(range.before);
      if (Buffer.compare(before, end) < 0) end = before;
    }
    return { start, end };
  }

  readonly #optional = (bytes: Uint8Array | undefined): V | undefined =>
    bytes === undefined ? undefined : this.#value.decode(bytes);

  readonly #known = (bytes: Uint8Array | undefined): V | undefined => {
    if (bytes === undefined) return undefined;
    const known = this.#decoded.get(bytes);
    if (known !== undefined) return known;
    const value = this.#value.decode(bytes);
    this.#decoded.set(bytes, value);
    return value;
  };

  #rangeOf(page: RowPage<K>): KvRange {
    const { start, end } = this.bounds(page);
    return { start, end, limit: page.limit, reverse: page.reverse ?? false };
  }
}

function later(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Buffer.compare(a, b) < 0 ? b : a;
}
