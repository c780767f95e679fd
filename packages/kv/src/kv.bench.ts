/**
 * How fast the store is: `npx tsx --conditions=source packages/kv/src/kv.bench.ts [SECONDS]`. Prints durable
 * transactions, readings and rows a second through tables, and how long the event loop was held up.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { SystemClock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import type { KvReader, KvStore, KvTransaction } from "./kv-store.ts";
import { LmdbKv } from "./lmdb/lmdb-kv.ts";
import { MemoryKv } from "./memory/memory-kv.ts";
import { restText, tuple, u64 } from "./ordered-key.ts";
import { recordCodec } from "./record.ts";
import { Table } from "./table.ts";

interface Entry {
  readonly kind: number;
  readonly inode: number;
  readonly sizeBytes: number;
  readonly changedMs: number;
  readonly type: string | undefined;
}

const entryCodec = recordCodec<Entry>("entry", {
  version: 1,
  write: (to, entry) => {
    to.u8(entry.kind);
    to.varint(entry.inode);
    to.varint(entry.sizeBytes);
    to.varint(entry.changedMs);
    to.optional(entry.type, (to, type) => to.text(type));
  },
  read: (from) => ({
    kind: from.u8(),
    inode: from.varint(),
    sizeBytes: from.varint(),
    changedMs: from.varint(),
    type: from.optional((from) => from.text()),
  }),
});
const entries = new Table({ prefix: "dent", key: tuple(u64, restText), value: entryCodec });
const parents = new Table({ prefix: "dirp", key: u64, value: entryCodec });
const FILES_COUNTER = Buffer.from("metafiles");
const LOG = Buffer.from("clog");
const FILES = 100_000;
const entry: Entry = {
  kind: 1,
  inode: 123_456,
  sizeBytes: 8_388_608,
  changedMs: 1_700_000_000_000,
  type: "image/jpeg",
};

const seconds = Number(process.argv[2] ?? "2");
const clock = new SystemClock();
const random = new Prng(1);
let lastName = 0;

function nameOf(at: number): string {
  return `file-${at.toString().padStart(8, "0")}.jpg`;
}

/** What a create does: the parent, the name, the entry, a counter and the log. */
async function createIn(tx: KvTransaction, directory: number): Promise<void> {
  const name = nameOf(FILES + lastName++);
  await parents.get(tx, directory);
  if (await entries.has(tx, [directory, name])) throw new Error(`${name} exists`);
  entries.put(tx, [directory, name], entry);
  tx.add(FILES_COUNTER, 1);
  tx.append(LOG, Buffer.from(name));
}

/** Reads one entry and writes it: the smallest transaction there is. */
async function touch(tx: KvTransaction, directory: number): Promise<void> {
  const key = [directory, nameOf(Math.floor(random.next() * FILES))] as const;
  const found = await entries.get(tx, key);
  entries.put(tx, key, { ...(found ?? entry), changedMs: clock.now() });
}

async function run(name: string, inFlight: number, once: () => Promise<number>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startedMs = clock.monotonicMs();
  const usage = process.cpuUsage();
  const untilMs = startedMs + seconds * 1000;
  let count = 0;
  const worker = async () => {
    while (clock.monotonicMs() < untilMs) {
      const done = await once();
      count += done;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsedS = (clock.monotonicMs() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(usage);
  delay.disable();
  const figures = [
    name.padEnd(34),
    `${inFlight}`.padStart(5),
    Math.round(count / elapsedS)
      .toLocaleString("en")
      .padStart(12),
    `${Math.round(count / ((user + system) / 1e6)).toLocaleString("en")}/cpu s`.padStart(16),
    `loop p99 ${(delay.percentile(99) / 1e6).toFixed(1)} max ${(delay.max / 1e6).toFixed(1)} ms`,
  ];
  process.stdout.write(`${figures.join("  ")}\n`);
}

async function fill(store: KvStore): Promise<void> {
  for (let at = 0; at < FILES; at += 1000) {
    await store.transact(async (tx) => {
      parents.put(tx, 7, entry);
      for (let file = at; file < at + 1000; file++) entries.put(tx, [7, nameOf(file)], entry);
    });
  }
}

async function benchReads(name: string, store: KvStore): Promise<void> {
  const key = () => [7, nameOf(Math.floor(random.next() * FILES))] as const;
  await run(`${name} read: get`, 1, () =>
    store.read(async (reader: KvReader) => {
      for (let at = 0; at < 100; at++) await entries.get(reader, key());
      return 100;
    }),
  );
  await run(`${name} read of one get`, 1, async () => {
    for (let at = 0; at < 100; at++) await store.read((reader) => entries.get(reader, key()));
    return 100;
  });
  await run(`${name} read: rows, 1,000 a page`, 1, () =>
    store.read(async (reader) => {
      const page = await entries.page(reader, { within: [7], after: key(), limit: 1000 });
      return page.length;
    }),
  );
  await run(`${name} transact of one get`, 1, async () => {
    for (let at = 0; at < 100; at++) await store.transact((tx) => entries.get(tx, key()));
    return 100;
  });
}

async function benchTransactions(name: string, store: KvStore): Promise<void> {
  for (const inFlight of [1, 64, 256, 1024]) {
    await run(`${name} create, one directory`, inFlight, async () => {
      await store.transact((tx) => createIn(tx, 7));
      return 1;
    });
  }
  for (const inFlight of [1, 64, 256, 1024]) {
    await run(`${name} touch, random of ${FILES}`, inFlight, async () => {
      await store.transact((tx) => touch(tx, 7));
      return 1;
    });
  }
}

const bytes = entryCodec.encode(entry);
await run("record: encode", 1, async () => {
  for (let at = 0; at < 10_000; at++) entryCodec.encode(entry);
  return 10_000;
});
await run("record: decode", 1, async () => {
  for (let at = 0; at < 10_000; at++) entryCodec.decode(bytes);
  return 10_000;
});

const memory = new MemoryKv({ clock, random });
await fill(memory);
await benchReads("memory", memory);
await benchTransactions("memory", memory);
await memory.close();

const folder = await mkdtemp(join(tmpdir(), "cairnfs-"));
const lmdb = await LmdbKv.open(folder, { clock, random });
await fill(lmdb);
await benchReads("lmdb", lmdb);
await benchTransactions("lmdb", lmdb);
await lmdb.close();
await rm(folder, { recursive: true });
