import { SystemClock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { expect, test } from "vitest";
import { openKv } from "./open.ts";

const parts = { clock: new SystemClock(), random: new Prng(1) };

test("a store is opened by its url", async () => {
  await using folder = await temporaryFolder();
  for (const url of ["memory:", `lmdb:${folder.path}/meta.v1`]) {
    const store = await openKv(url, parts);
    await store.transact(async (tx) => tx.put(Buffer.from("a"), Buffer.from("1")));
    const value = await store.read((reader) => reader.get(Buffer.from("a")));
    expect(Buffer.from(value ?? []).toString()).toBe("1");
    await store.close();
  }
});

test("a url of no driver is refused with what was expected", async () => {
  for (const url of ["", "lmdb", "lmdb:", "memory:x", "etcd://host", "/var/lib/cairn"]) {
    await expect(openKv(url, parts)).rejects.toThrow(
      expect.objectContaining({
        reason: "invalidConfig",
        message: `the metadata store is ${JSON.stringify(url)}, expected memory: or lmdb:/folder`,
      }),
    );
  }
});
