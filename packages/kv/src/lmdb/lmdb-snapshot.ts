import type { Transaction } from "lmdb";
import { keyBytes, keyText } from "../key-text.ts";
import type { KvEntry, KvRange } from "../kv-store.ts";
import type { SortedCursor } from "../sorted-map.ts";
import type { BytesDatabase, Environment } from "./environment.ts";

/** LMDB takes no empty key; nothing sorts before this one. */
const FIRST_KEY = Buffer.from([0]);
/** So many values that were asked for as shared are kept at hand, and none that is larger. */
const SHARED_MAX = 16_384;
const SHARED_BYTES_MAX = 512;

/** One durable state of the store, kept as long as somebody holds it. */
export class LmdbSnapshot {
  readonly #entries: BytesDatabase;
  readonly #transaction: Transaction;
  readonly #options: { readonly transaction: Transaction };
  readonly #shared = new Map<string, Uint8Array | undefined>();
  #holders = 1;

  /** The state as it is now, held once. */
  constructor(environment: Environment) {
    this.#entries = environment.entries;
    // The reading that lmdb has at hand may be from before the last commit.
    environment.entries.resetReadTxn();
    this.#transaction = environment.entries.useReadTransaction();
    this.#options = { transaction: this.#transaction };
  }

  hold(): this {
    this.#holders += 1;
    return this;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#transaction.done();
  }

  /** The value at `key`, in memory of its own. */
  get(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(key, this.#options);
  }

  /** The value at `key`, which is given as text too, and the same array each time while it is at hand. */
  getShared(text: string, key: Uint8Array): Uint8Array | undefined {
    const kept = this.#shared.get(text);
    if (kept !== undefined || this.#shared.has(text)) return kept;
    const value = this.get(key);
    if (value !== undefined && value.byteLength > SHARED_BYTES_MAX) return value;
    if (this.#shared.size >= SHARED_MAX) this.#shared.clear();
    this.#shared.set(text, value);
    return value;
  }

  range(range: KvRange): KvEntry[] {
    if (Buffer.compare(range.start, range.end) >= 0) return [];
    return Array.from(this.#iterate(range));
  }

  cursor(start: string, end: string, isReverse: boolean): SortedCursor<Uint8Array> {
    const range = { start: keyBytes(start), end: keyBytes(end), reverse: isReverse };
    return new LmdbCursor(this.#iterate(range)[Symbol.iterator]());
  }

  #iterate(range: Partial<KvRange> & Pick<KvRange, "start" | "end">): Iterable<KvEntry> {
    const start = range.start.byteLength === 0 ? FIRST_KEY : range.start;
    const limit = range.limit === undefined ? {} : { limit: range.limit };
    if (!range.reverse) {
      return this.#entries.getRange({ start, end: range.end, ...limit, ...this.#options });
    }
    return this.#entries.getRange({
      start: range.end,
      end: start,
      reverse: true,
      exclusiveStart: true,
      inclusiveEnd: true,
      ...limit,
      ...this.#options,
    });
  }
}

class LmdbCursor implements SortedCursor<Uint8Array> {
  key: string | undefined;
  value: Uint8Array | undefined;
  readonly #iterator: Iterator<KvEntry>;

  constructor(iterator: Iterator<KvEntry>) {
    this.#iterator = iterator;
    this.advance();
  }

  advance(): void {
    const next = this.#iterator.next();
    this.key = next.done ? undefined : keyText(next.value.key);
    this.value = next.done ? undefined : next.value.value;
  }

  close(): void {
    if (this.key !== undefined) this.#iterator.return?.();
    this.key = undefined;
    this.value = undefined;
  }
}
