import { join } from "node:path";
import { SystemClock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import { SystemRandom } from "@cairnfs/base/random";
import { eventually } from "@cairnfs/base/testing/eventually";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { openKv } from "@cairnfs/kv/open";
import { LimitedDisk } from "@cairnfs/testkit/hosts/limited-disk";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";

const MIB = 1024 * 1024;
const why = LimitedDisk.whyNot();

/** Runs `use` on the store in a folder, and closes it. */
async function withStore<T>(folder: string, use: (kv: KvStore) => Promise<T>): Promise<T> {
  const parts = { clock: new SystemClock(), random: new SystemRandom() };
  const kv = await openKv(`lmdb:${folder}`, { ...parts, reserveBytes: 8 * MIB });
  try {
    return await use(kv);
  } finally {
    await kv.close();
  }
}

const rowKey = (at: number) => Buffer.from(`row ${String(at).padStart(9, "0")}`);

/** Adds rows until the store says that it is full, for good; gives how many there are. */
async function fill(kv: KvStore, first = 0): Promise<number> {
  let rows = first;
  for (let refusals = 0; refusals < 20; ) {
    try {
      await add(kv, rows, 50);
      rows += 50;
      refusals = 0;
    } catch (error) {
      if (!(error instanceof CairnError) || error.reason !== "storeFull") throw error;
      refusals += 1;
      await new SystemClock().sleep(100);
    }
  }
  return rows;
}

/** Deletes a tenth of the rows, everywhere at once, each with a note as the trash has it. */
async function deleteScattered(kv: KvStore, rows: number): Promise<void> {
  // Pages are not written over: each that is touched takes another.
  const scattered = Array.from({ length: rows / 10 }, (_, at) => at * 10);
  await Promise.all(
    scattered.map((at) =>
      kv.transact((tx) => {
        tx.delete(rowKey(at));
        tx.put(Buffer.from(`trash ${at}`), Buffer.alloc(500));
      }),
    ),
  );
}

async function deleteAll(kv: KvStore, rows: number): Promise<void> {
  for (let at = 0; at < rows; at += 50) {
    await kv.transact((tx) => {
      for (let row = at; row < at + 50; row++) tx.delete(rowKey(row));
    });
  }
  const left = { start: Buffer.from("row "), end: Buffer.from("row!"), limit: 10 };
  expect(await kv.read((reader) => reader.range(left))).toEqual([]);
}

async function add(kv: KvStore, first: number, count: number): Promise<void> {
  await kv.transact(
    (tx) => {
      for (let at = first; at < first + count; at++) tx.put(rowKey(at), Buffer.alloc(3_000, at));
    },
    { grows: true },
  );
}

test.skipIf(why !== undefined)(
  "a metadata disk that puts have filled can be emptied, also after a restart, and takes puts again then",
  async () => {
    await using folder = await temporaryFolder();
    await using disk = await LimitedDisk.create(folder.path, "full", 96 * MIB);
    const path = join(disk.folder, "metadata");
    const rows = await withStore(path, async (kv) => {
      const filled = await fill(kv);
      await disk.fill();
      await deleteScattered(kv, filled);
      return filled;
    });
    expect(rows).toBeGreaterThan(1_000);
    await withStore(path, async (kv) => {
      await deleteAll(kv, rows);
      await eventually(() => add(kv, 0, 1), 20_000);
    });
  },
  120_000,
);

test.skipIf(why !== undefined)(
  "when others have taken the last byte of the metadata disk, deletions find their way into the store, and puts are refused",
  async () => {
    // Method: LMDB has no page to spare when the disk is full, so what deletions touch has to come out of the reserve.
    await using folder = await temporaryFolder();
    await using disk = await LimitedDisk.create(folder.path, "full", 96 * MIB);
    const path = join(disk.folder, "metadata");
    const rows = 5_000;
    await withStore(path, async (kv) => {
      for (let at = 0; at < rows; at += 500) await add(kv, at, 500);
    });
    await disk.fill();
    // Closing brings what the journal has into LMDB, where there is room.
    await withStore(path, (kv) => deleteScattered(kv, rows));
    await withStore(path, async (kv) => {
      const added = await fill(kv, rows);
      expect(added).toBeLessThan(4 * rows);
      await deleteAll(kv, added);
      await disk.drain();
      await eventually(() => add(kv, 0, 1), 20_000);
    });
  },
  120_000,
);

test.skipIf(why !== undefined)(
  "a coordinator on a full disk refuses puts with a clear reason, and removes, also after a restart",
  async () => {
    await using folder = await temporaryFolder();
    await using disk = await LimitedDisk.create(folder.path, "full", 160 * MIB);
    await using cluster = await ProcessCluster.start({
      name: "metadata-full",
      datanodes: 1,
      coordinator: {
        CAIRN_KV_URL: `lmdb:${join(disk.folder, "metadata")}`,
        CAIRN_DEFAULT_REPLICATION_FACTOR: "1",
      },
    });
    const client = await cluster.connect();
    const small = (at: number) =>
      client.put(`/d/${at}`, Buffer.alloc(2_000, at), { parents: true });
    for (let at = 0; at < 1_000; at++) await small(at);
    await disk.fill();
    await expect(
      (async () => {
        for (let at = 1_000; ; at++) await small(at);
      })(),
    ).rejects.toMatchObject({ reason: "storeFull" });
    for (let at = 0; at < 400; at++) await client.remove(`/d/${at}`);

    await cluster.coordinator.end();
    await cluster.restartCoordinator();
    const after = await cluster.connect();
    for (let at = 400; at < 800; at++) await after.remove(`/d/${at}`, { forever: true });
    const { items } = await after.trash.empty();
    expect(items).toBe(400);
    await disk.drain();
    await eventually(() => after.put("/again", Buffer.from("room")), 30_000);
    for await (const event of after.check()) expect(event.type).not.toBe("finding");
  },
  240_000,
);
