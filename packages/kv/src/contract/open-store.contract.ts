import { afterAll, beforeEach } from "vitest";
import type { Awaitable, KvEntry, KvReader, KvStore } from "../kv-store.ts";

export interface StoreUnderTest {
  readonly store: KvStore;
  /** Closes the store and opens it again, for those that keep anything. */
  readonly reopen?: () => Promise<KvStore>;
  readonly dispose?: () => PromiseLike<void>;
}

/** The store that the tests of a suite use, one after the other. */
export interface OpenStore {
  readonly store: KvStore;
  /** Closes the store and opens it again; not there for a store that ends with its process. */
  readonly reopen: (() => Promise<void>) | undefined;
  /** Closes the store. The next test gets another one. */
  close(): Promise<void>;
}

/** Opens a store for the tests around it, which is empty at the beginning of each: opening one can take a while. */
export function describeOpenStore(open: () => Promise<StoreUnderTest>): OpenStore {
  let opened: StoreUnderTest | undefined;
  let current: KvStore | undefined;

  beforeEach(async () => {
    opened ??= await open();
    current ??= opened.store;
    await current.transact(async (tx) => tx.deleteRange(Buffer.alloc(0), Buffer.alloc(9, 0xff)));
  });
  afterAll(() => close());

  async function close(): Promise<void> {
    await current?.close();
    await opened?.dispose?.();
    current = undefined;
    opened = undefined;
  }

  return {
    get store() {
      if (current === undefined) throw new Error("no test is running");
      return current;
    },
    get reopen() {
      const reopen = opened?.reopen;
      if (reopen === undefined) return undefined;
      return async () => {
        current = await reopen();
      };
    },
    close,
  };
}

// Texts stand for bytes, one character a byte.
export function key(at: string): Uint8Array {
  return Buffer.from(at, "latin1");
}

export function value(content: string): Uint8Array {
  return Buffer.from(content, "latin1");
}

export function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("latin1");
}

export function keyOf(entry: KvEntry): string {
  return text(entry.key) ?? "";
}

export async function getText(reader: KvReader, at: string): Promise<string | undefined> {
  return text(await reader.get(key(at)));
}

/** The outcome of a call, as a promise also where it throws at once. */
export async function attempted<T>(call: () => Awaitable<T>): Promise<T> {
  return call();
}

export function rangeOf(
  reader: KvReader,
  start: string,
  end: string,
  how: { readonly limit?: number; readonly reverse?: boolean } = {},
): Awaitable<KvEntry[]> {
  return reader.range({ start: key(start), end: key(end), limit: 100, ...how });
}

export async function put(
  store: KvStore,
  entries: Readonly<Record<string, string>>,
): Promise<void> {
  await store.transact(async (tx) => {
    for (const [at, content] of Object.entries(entries)) tx.put(key(at), value(content));
  });
}

export async function contents(store: KvStore): Promise<Record<string, string | undefined>> {
  const entries = await store.read((reader) => rangeOf(reader, "", "\xff\xff\xff"));
  return Object.fromEntries(entries.map((entry) => [keyOf(entry), text(entry.value)]));
}

/** One round of the event loop: what is short gets done meanwhile. */
export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
