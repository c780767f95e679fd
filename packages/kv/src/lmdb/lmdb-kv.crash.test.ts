import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SystemClock } from "@cairnfs/base/clock";
import { Prng, SystemRandom } from "@cairnfs/base/random";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { expect, test } from "vitest";
import { counterValue } from "../counter.ts";
import type { KvEntry, KvReader } from "../kv-store.ts";
import { keyAfter, prefixEnd } from "../ordered-key.ts";
import { LmdbKv } from "./lmdb-kv.ts";

const ROUNDS = 4;
const PAIRS_A_ROUND = 1_000_000;
const parts = { clock: new SystemClock(), random: new SystemRandom() };

/** Starts a process that writes pairs, kills it at some moment and gives the numbers that it acknowledged. */
async function writeUntilKilled(folder: string, first: number, afterMs: number): Promise<number[]> {
  const victim = fileURLToPath(new URL("./testing/killed-process.ts", import.meta.url));
  const arguments_ = ["--import", "tsx", "--conditions=source", victim, folder, `${first}`];
  const child = spawn(process.execPath, arguments_, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const acknowledged = text(child.stdout);
  await Promise.race([once(child.stdout, "readable"), closed]);
  await pause(afterMs);
  child.kill("SIGKILL");
  await closed;
  // The last line may have been cut.
  return (await acknowledged).split("\n").slice(0, -1).map(Number);
}

async function readAll(reader: KvReader, prefix: string): Promise<KvEntry[]> {
  const found: KvEntry[] = [];
  const end = prefixEnd(Buffer.from(prefix));
  let start: Uint8Array = Buffer.from(prefix);
  for (;;) {
    const page = await reader.range({ start, end, limit: 10_000 });
    found.push(...page);
    const last = page.at(-1);
    if (last === undefined) return found;
    start = keyAfter(last.key);
  }
}

test("a process that is killed loses nothing that it acknowledged, and leaves nothing half", async () => {
  // Goal: acknowledged is durable, a transaction is whole, and the folder needs no cleaning. Method: kill -9 at random
  // moments, several times over one folder; after each, look everything up.
  const seed = 20;
  const random = new Prng(seed);
  await using folder = await temporaryFolder();
  const acknowledged: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const afterMs = random.next() * 120;
    const numbers = await writeUntilKilled(folder.path, round * PAIRS_A_ROUND, afterMs);
    expect(numbers.length).toBeGreaterThan(0);
    acknowledged.push(...numbers);
    const store = await LmdbKv.open(folder.path, parts);
    await store.read(async (reader) => {
      const values = async (prefix: string) =>
        (await readAll(reader, prefix)).map((entry) => Buffer.from(entry.value).toString());
      const stored = await values("a/");
      expect(await values("b/")).toEqual(stored);
      expect((await values("log/")).toSorted()).toEqual(stored);
      expect(counterValue(await reader.get(Buffer.from("pairs")))).toBe(stored.length);
      const found = new Set(stored.map(Number));
      expect(acknowledged.filter((number) => !found.has(number))).toEqual([]);
    });
    await store.close();
  }
}, 60_000);
