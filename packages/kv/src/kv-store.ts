import type { Closable } from "@cairnfs/base/lifecycle";

export interface KvEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The keys from `start` (inclusive) to `end` (exclusive), in byte order, or backwards from the last. */
export interface KvRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  /** At most this many entries are returned; 1 to 10,000. */
  readonly limit: number;
  readonly reverse?: boolean;
}

/** What may be there already: who looks before waiting saves a turn. */
export type Awaitable<T> = T | Promise<T>;

/** Keys are 1 to 1,900 bytes and sort as unsigned bytes; values are at most 4 MiB. Others are `invalidArgument`. */
export interface KvReader {
  /** The value at `key` in this reader's snapshot. The bytes are the caller's. */
  get(key: Uint8Array): Awaitable<Uint8Array | undefined>;
  /**
   * As `get`, for what is read again and again: the bytes are the store's, and must not be changed. As long as they are the
   * same it may give the same array.
   */
  getShared(key: Uint8Array): Awaitable<Uint8Array | undefined>;
  /** The values at `keys`, in their order. */
  getMany(keys: readonly Uint8Array[]): Awaitable<(Uint8Array | undefined)[]>;
  range(range: KvRange): Awaitable<KvEntry[]>;
}

/**
 * A reader that also writes. Its own writes are seen by its reads, appends excepted, which have no position yet.
 * Nothing is kept until it commits. Values that are given are the store's and must not change any more; keys may be written over at
 * once. All writes together have at most 64 MiB.
 */
export interface KvTransaction extends KvReader {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /**
   * Deletes every key of the range [start, end) that is there at the commit. It conflicts with nobody, but holds up
   * others for as long as it takes to walk the range: take a large one apart in steps.
   */
  deleteRange(start: Uint8Array, end: Uint8Array): void;
  /**
   * Adds `delta` (a safe integer) to the counter at `key`, an 8-byte big-endian two's complement number that
   * starts at 0 (counter.ts reads it). Additions do not conflict with each other; a `get` of the key conflicts with them.
   */
  add(key: Uint8Array, delta: number): void;
  /**
   * Appends to the ordered log at `prefix`: at commit the driver stores `value` under the prefix followed
   * by a 12-byte position that is above that of every earlier commit, so appending never conflicts. Within one
   * commit positions are in the order of the appends.
   * A reader that has seen a position will see nothing new before it.
   */
  append(prefix: Uint8Array, value: Uint8Array): void;
}

export interface TransactOptions {
  /** As a function it is asked for only where there is something to wait for: most transactions end before that. */
  readonly signal?: AbortSignal | (() => AbortSignal);
  /**
   * It adds to the store, at somebody's wish: `storeFull` while there is room for no more than what it takes to delete. Others
   * may take that room.
   */
  readonly grows?: boolean;
}

/**
 * The seam of the metadata store. Each driver passes `describeKvStore`. `close` waits for what is under way; what
 * comes after it is `shuttingDown`.
 */
export interface KvStore extends Closable {
  /**
   * Runs `body` against a transaction and commits it serializably: when this resolves, the writes are durable, and
   * everything `body` read (keys, absent keys, ranges) was still so at the commit. A range that returned as many
   * entries as it asked for counts as read up to the last of them.
   *
   * On a conflict `body` runs again, after a jittered pause, up to a limit; then it rejects with
   * `transactionConflict`. When `body` throws, nothing is written. `body` must do nothing but use `tx`: one that does no
   * more than that runs undisturbed, and meets no conflict with others in the same process. A disk without room is
   * `storeFull`, one that fails `storeFailed`, and the store goes on. A signal that fires before the commit is taken
   * ends it with the signal's error, and nothing is written.
   */
  transact<T>(body: (tx: KvTransaction) => Awaitable<T>, options?: TransactOptions): Promise<T>;
  /**
   * Runs `body` against one consistent snapshot of what is durable. No conflicts. The snapshot takes room on the disk
   * while commits go on, so `body` should be short.
   */
  read<T>(body: (reader: KvReader) => Awaitable<T>): Promise<T>;
  /**
   * Calls `listener` when appends have become readable; one call may stand for several commits. The function
   * returned stops that.
   */
  onAppend(listener: () => void): () => void;
}
