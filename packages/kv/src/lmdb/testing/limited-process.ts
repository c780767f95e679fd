/**
 * A process for the full-disk test: `limited-process.ts FOLDER`, started where files cannot grow beyond some MiB. It
 * runs transactions side by side, some of which are too large, and prints how each ended and what is stored.
 */

import { SystemClock } from "@cairnfs/base/clock";
import { hasReason } from "@cairnfs/base/errors";
import { SystemRandom } from "@cairnfs/base/random";
import { LmdbKv } from "../lmdb-kv.ts";

const LARGE_BYTES = 3 * 1024 * 1024;

const [folder = ""] = process.argv.slice(2);
const store = await LmdbKv.open(folder, { clock: new SystemClock(), random: new SystemRandom() });

async function endOf(transaction: Promise<unknown>): Promise<string> {
  try {
    return `${await transaction}`;
  } catch (error) {
    if (hasReason(error, "storeFull", "storeFailed")) return "refused";
    return `${error}`;
  }
}

const all = Array.from({ length: 60 }, (_, at) =>
  store.transact(async (tx) => {
    const before = await tx.get(Buffer.from("small"));
    tx.put(Buffer.from("small"), Buffer.from(`${before ?? ""}${at} `));
    tx.append(Buffer.from("log"), Buffer.from(`${at}`));
    if (at % 20 === 7) {
      tx.put(Buffer.from("large"), Buffer.alloc(LARGE_BYTES));
      tx.put(Buffer.from("larger"), Buffer.alloc(LARGE_BYTES));
    }
    return "stored";
  }),
);
const reading = store.transact(async (tx) => `large is ${await tx.get(Buffer.from("large"))}`);
const throwing = store.transact(async (tx) => {
  throw new Error(`large is ${await tx.get(Buffer.from("large"))}`);
});
const ends = await Promise.all([...all, reading, throwing].map(endOf));
await store.transact(async (tx) => tx.delete(Buffer.from("gone")));
const log = { start: Buffer.from("log"), end: Buffer.from("loh"), limit: 1000 };
const stored = await store.read(async (reader) => ({
  small: Buffer.from((await reader.get(Buffer.from("small"))) ?? []).toString(),
  log: (await reader.range(log)).map((entry) => Buffer.from(entry.value).toString()),
}));
await store.close();
process.stdout.write(JSON.stringify({ ends, ...stored }));
