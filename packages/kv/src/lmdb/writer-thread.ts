/**
 * The thread that writes: each message is a batch (commit-batch.ts), which becomes one LMDB transaction with one fsync.
 * The answer is the batch's memory, or what went wrong, and then nothing of the batch is stored. The message "close" ends it.
 */

import { parentPort, workerData } from "node:worker_threads";
import { type DatabaseOptions, open, type RootDatabaseOptionsWithPath } from "lmdb";
import { freeReservePages } from "./free-reserve.ts";

/** What its owner starts the thread with. */
export interface WriterThreadData {
  readonly options: RootDatabaseOptionsWithPath;
  readonly entries: DatabaseOptions & { readonly name: string };
  readonly state: DatabaseOptions & { readonly name: string };
  readonly ceilingKey: Uint8Array;
  readonly appliedKey: Uint8Array;
  readonly formatKey: Uint8Array;
  readonly reserve: DatabaseOptions & { readonly name: string };
}

/** What its owner asks for: a batch, the end, so many pages in the reserve, or to free so many of those. */
export type WriterMessage =
  | ArrayBuffer
  | "close"
  | { readonly reservePages: number }
  | { readonly freePages: number };

const HEADER_BYTES = 20;
const ENTRY_HEADER_BYTES = 6;
const DELETED = 0xffff_ffff;
/** More than half of a page, so that each has one to itself. */
const RESERVE_VALUE = Buffer.alloc(3000, 0x5a);

if (parentPort === null) throw new Error("the writer runs as a thread only");
const port = parentPort;

// commit-writer.ts, which alone starts this thread, gives exactly that.
const data = workerData as WriterThreadData;
const root = open(data.options);
const entries = root.openDB<Uint8Array, Uint8Array>(data.entries);
const state = root.openDB<Uint8Array, Uint8Array>(data.state);
const reserve = root.openDB<Uint8Array, Uint8Array>(data.reserve);

port.on("message", (message: WriterMessage) => {
  if (message === "close") {
    void close();
    return;
  }
  try {
    if (message instanceof ArrayBuffer) {
      const batch = Buffer.from(message);
      root.transactionSync(() => write(batch));
      port.postMessage(message, [message]);
    } else if ("freePages" in message) {
      port.postMessage(freeReservePages({ root, reserve }, message.freePages));
    } else {
      keepReserve(message.reservePages);
      port.postMessage("ready");
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    port.postMessage({ message: String(error), code });
  }
});

/** A failure here is unhandled: it ends the thread, and its owner hears of that. */
async function close(): Promise<void> {
  await root.close();
  port.close();
}

function keepReserve(pages: number): void {
  if (reserve.getCount() === pages) return;
  root.transactionSync(() => {
    reserve.clearSync();
    for (let page = 0; page < pages; page++) reserve.putSync(pageKey(page), RESERVE_VALUE);
  });
}

function pageKey(page: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(page);
  return key;
}

interface Entry {
  /** The key as text, which sorts as the key does. */
  readonly text: string;
  readonly key: Buffer;
  /** Undefined deletes the key. */
  readonly value: Buffer | undefined;
}

/** In key order: what is next to each other in the store is then touched once. */
function write(batch: Buffer): void {
  const sorted = readEntries(batch).sort((a, b) => (a.text < b.text ? -1 : 1));
  for (const { key, value } of sorted) {
    if (value === undefined) entries.removeSync(key);
    else entries.putSync(key, value);
  }
  const ceiling = batch.subarray(0, 8);
  if (ceiling.some((byte) => byte !== 0)) state.putSync(data.ceilingKey, ceiling);
  const applied = batch.subarray(8, 16);
  if (applied.some((byte) => byte !== 0)) state.putSync(data.appliedKey, applied);
}

function readEntries(batch: Buffer): Entry[] {
  const count = batch.readUInt32BE(16);
  const found: Entry[] = [];
  let at = HEADER_BYTES;
  for (let read = 0; read < count; read++) {
    const keyAt = at + ENTRY_HEADER_BYTES;
    const keyEnd = keyAt + batch.readUInt16BE(at);
    const valueBytes = batch.readUInt32BE(at + 2);
    at = valueBytes === DELETED ? keyEnd : keyEnd + valueBytes;
    if (at > batch.byteLength) throw new Error("a batch ends early");
    found.push({
      text: batch.toString("latin1", keyAt, keyEnd),
      key: batch.subarray(keyAt, keyEnd),
      value: valueBytes === DELETED ? undefined : batch.subarray(keyEnd, at),
    });
  }
  return found;
}

port.postMessage("ready");
