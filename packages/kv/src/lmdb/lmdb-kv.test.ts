import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { SystemRandom } from "@cairnfs/base/random";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { open } from "lmdb";
import { expect, test } from "vitest";
import { describeKvStore } from "../kv.contract.ts";
import type { KvStore } from "../kv-store.ts";
import { HastyClock } from "../testing/hasty-clock.ts";
import { CommitWriter } from "./commit-writer.ts";
import { ENTRIES, FORMAT_KEY, lmdbOptions, STATE } from "./environment.ts";
import { LmdbKv } from "./lmdb-kv.ts";

const parts = { clock: new HastyClock(), random: new SystemRandom() };

describeKvStore("LmdbKv", async () => {
  const folder = await temporaryFolder();
  let store = await LmdbKv.open(folder.path, parts);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await LmdbKv.open(folder.path, parts);
      return store;
    },
    dispose: () => folder[Symbol.asyncDispose](),
  };
});

async function put(store: KvStore, key: string, value: Uint8Array | string): Promise<void> {
  await store.transact(async (tx) => tx.put(Buffer.from(key), Buffer.from(value)));
}

async function get(store: KvStore, key: string): Promise<string | undefined> {
  const value = await store.read((reader) => reader.get(Buffer.from(key)));
  return value === undefined ? undefined : Buffer.from(value).toString();
}

test("a folder that is open is refused to a second store, until it is closed", async () => {
  await using folder = await temporaryFolder();
  const first = await LmdbKv.open(folder.path, parts);
  await put(first, "a", "1");
  await expect(LmdbKv.open(folder.path, parts)).rejects.toThrow(
    expect.objectContaining({ reason: "storeForeign" }),
  );
  expect(await get(first, "a")).toBe("1");
  await first.close();
  const second = await LmdbKv.open(folder.path, parts);
  expect(await get(second, "a")).toBe("1");
  await second.close();
});

test("a folder of another format is refused and left as it is", async () => {
  await using folder = await temporaryFolder();
  const root = open(lmdbOptions(folder.path));
  const state = root.openDB(STATE);
  await state.put(FORMAT_KEY, Buffer.from([0, 0, 0, 9]));
  await root.close();
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(LmdbKv.open(folder.path, parts)).rejects.toThrow("has format 9, expected 2");
  }
});

test("transactions that come together share a few commits to the disk", async () => {
  await using folder = await temporaryFolder();
  const store = await LmdbKv.open(folder.path, parts);
  await Promise.all(Array.from({ length: 2000 }, (_, at) => put(store, `key ${at}`, "1")));
  await store.close();
  const root = open(lmdbOptions(folder.path));
  const { lastTxnId } = root.getStats() as { readonly lastTxnId: number };
  expect(root.openDB(ENTRIES).getCount({})).toBe(2000);
  expect(lastTxnId).toBeLessThan(20);
  await root.close();
});

test("a batch that cannot be written leaves nothing behind, and the writer goes on", async () => {
  await using folder = await temporaryFolder();
  const root = open(lmdbOptions(folder.path));
  const entries = root.openDB<Buffer, Uint8Array>(ENTRIES);
  const writer = await CommitWriter.open(folder.path);
  const numbers = "00000000000000000000000000000001";
  const whole = `${numbers}00000001${"0001"}${"00000001"}${"61"}${"31"}`;
  const cut = `${numbers}00000002${"0001"}${"00000001"}${"62"}${"31"}${"0001"}`;
  const batch = (hex: string) => new Uint8Array(Buffer.from(hex, "hex")).buffer;
  await expect(writer.write(batch(cut))).rejects.toThrow(
    expect.objectContaining({ reason: "storeFailed" }),
  );
  await writer.write(batch(whole));
  entries.resetReadTxn();
  expect(entries.get(Buffer.from("b"))).toBeUndefined();
  expect(entries.get(Buffer.from("a"))?.toString()).toBe("1");
  await writer.close();
  await expect(writer.write(batch(whole))).rejects.toThrow("has ended");
  await root.close();
});

test("on a full disk only transactions without room of their own fail, and nobody hears of what never was", async () => {
  // Goal: a failed write takes back what was built on it, and no more. Method: a process whose files cannot grow.
  await using folder = await temporaryFolder();
  const program = fileURLToPath(new URL("./testing/limited-process.ts", import.meta.url));
  // Blocks of 512 bytes; a process that ignores SIGXFSZ gets an error instead.
  const script = `trap '' XFSZ; ulimit -f 4096; exec "$0" "$@"`;
  const node = [process.execPath, "--import", "tsx", "--conditions=source", program, folder.path];
  const child = spawn("sh", ["-c", script, ...node], { stdio: ["ignore", "pipe", "inherit"] });
  const { ends, small, log } = JSON.parse(await text(child.stdout));
  const expected = Array.from({ length: 60 }, (_, at) => (at % 20 === 7 ? "refused" : "stored"));
  expect(ends).toEqual([...expected, "large is undefined", "Error: large is undefined"]);
  // Each transaction that was stored is there once, and saw those before it.
  expect(log).toHaveLength(57);
  expect(small).toBe(log.map((at: string) => `${at} `).join(""));
}, 30_000);
