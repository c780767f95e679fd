/**
 * A process for the crash test to kill: `killed-process.ts FOLDER FIRST`. It writes pairs without end, and a line with
 * the number of each that is acknowledged.
 */

import { writeSync } from "node:fs";
import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { LmdbKv } from "../lmdb-kv.ts";

const IN_FLIGHT = 64;
const STDOUT = 1;

const [folder = "", first = "0"] = process.argv.slice(2);
const store = await LmdbKv.open(folder, { clock: new SystemClock(), random: new SystemRandom() });
let next = Number(first);

async function writePairs(): Promise<never> {
  for (;;) {
    const id = next++;
    await store.transact(async (tx) => {
      const name = id.toString().padStart(10, "0");
      tx.put(Buffer.from(`a/${name}`), Buffer.from(name));
      tx.put(Buffer.from(`b/${name}`), Buffer.from(name));
      tx.put(Buffer.from("last"), Buffer.from(name));
      tx.add(Buffer.from("pairs"), 1);
      tx.append(Buffer.from("log/"), Buffer.from(name));
    });
    writeSync(STDOUT, `${id}\n`);
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, writePairs));
