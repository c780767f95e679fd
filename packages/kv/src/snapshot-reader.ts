import { assert } from "@cairnfs/base/assert";
import type { KvEntry, KvRange, KvReader } from "./kv-store.ts";
import { checkBound, checkKey, checkRangeLimit } from "./limits.ts";

/** One durable state of a store, to be read without waiting. What it gives is the caller's. */
export interface Snapshot {
  get(key: Uint8Array): Uint8Array | undefined;
  /** The same, but what it gives is the store's. */
  getShared(key: Uint8Array): Uint8Array | undefined;
  range(range: KvRange): KvEntry[];
}

/** Reads one snapshot for a body, and refuses to once the body has ended. */
export class SnapshotReader implements KvReader {
  readonly #snapshot: Snapshot;
  #isOpen = true;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  /** From here on the reader refuses to be used. */
  end(): void {
    this.#isOpen = false;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#get(key);
  }

  getShared(key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    checkKey(key);
    return this.#snapshot.getShared(key);
  }

  getMany(keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    return keys.map((key) => this.#get(key));
  }

  range(range: KvRange): KvEntry[] {
    this.#checkOpen();
    checkBound(range.start);
    checkBound(range.end);
    checkRangeLimit(range.limit);
    return this.#snapshot.range(range);
  }

  #get(key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    checkKey(key);
    return this.#snapshot.get(key);
  }

  #checkOpen(): void {
    assert(this.#isOpen, "a reader was used after its body had ended");
  }
}
