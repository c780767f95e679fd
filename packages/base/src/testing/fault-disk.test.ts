import { expect, test } from "vitest";
import { Prng } from "../random.ts";
import { FaultDisk } from "./fault-disk.ts";
import { SimClock } from "./sim-clock.ts";

const SEEDS = 200;

async function write(disk: FaultDisk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, "write");
  await file.write([Buffer.from(text)], 0);
  await file.sync();
  await file.close();
}

function text(disk: FaultDisk, path: string): string {
  return Buffer.from(disk.content(path)).toString();
}

/** What is found after a power loss, over many seeds. */
async function outcomes(
  before: (disk: FaultDisk) => Promise<void>,
  look: (disk: FaultDisk) => string,
): Promise<string[]> {
  const found = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const disk = new FaultDisk(new Prng(seed));
    await disk.makeFolder("/d");
    await disk.syncFolder("/");
    await before(disk);
    found.add(look(disk.crash()));
  }
  return [...found].sort();
}

test("what was synced, with its name, survives every power loss", async () => {
  expect(
    await outcomes(
      async (disk) => {
        await write(disk, "/d/a", "safe");
        await disk.syncFolder("/d");
      },
      (disk) => text(disk, "/d/a"),
    ),
  ).toEqual(["safe"]);
});

test("a name that was not synced may be lost and may survive, though the file was synced", async () => {
  expect(
    await outcomes(
      (disk) => write(disk, "/d/a", "safe"),
      (disk) => disk.paths().join(),
    ),
  ).toEqual(["", "/d/a"]);
});

test("sectors that were not synced survive in any combination", async () => {
  expect(
    await outcomes(
      async (disk) => {
        await write(disk, "/d/a", "a".repeat(1024));
        await disk.syncFolder("/d");
        const file = await disk.open("/d/a", "update");
        await file.write([Buffer.from("b".repeat(1024))], 0);
      },
      (disk) => `${text(disk, "/d/a")[0]}${text(disk, "/d/a")[512]}`,
    ),
  ).toEqual(["aa", "ab", "ba", "bb"]);
});

test("a rename is whole or did not happen", async () => {
  expect(
    await outcomes(
      async (disk) => {
        await disk.makeFolder("/e");
        await disk.syncFolder("/");
        await write(disk, "/d/a", "new");
        await write(disk, "/e/a", "old");
        await disk.syncFolder("/d");
        await disk.syncFolder("/e");
        await disk.rename("/d/a", "/e/a");
      },
      (disk) =>
        disk
          .paths()
          .map((path) => `${path}=${text(disk, path)}`)
          .join(),
    ),
  ).toEqual(["/d/a=new,/e/a=old", "/e/a=new"]);
});

test("sectors given up on by a failed sync may be lost although the next sync went well", async () => {
  expect(
    await outcomes(
      async (disk) => {
        await write(disk, "/d/a", "old");
        await disk.syncFolder("/d");
        const file = await disk.open("/d/a", "update");
        await file.write([Buffer.from("new")], 0);
        const heal = disk.fail({ code: "EIO", operations: ["sync"] });
        await expect(file.sync()).rejects.toMatchObject({ code: "EIO" });
        heal();
        await file.sync();
      },
      (disk) => text(disk, "/d/a"),
    ),
  ).toEqual(["new", "old"]);
});

test("a disk that lies about syncs may lose what it said was safe", async () => {
  expect(
    await outcomes(
      async (disk) => {
        disk.isLyingAboutSync = true;
        await write(disk, "/d/a", "x");
        await disk.syncFolder("/d");
      },
      (disk) => disk.paths().join(),
    ),
  ).toEqual(["", "/d/a"]);
});

test("a fault hits the operations, paths and turns that it names and no others", async () => {
  const disk = new FaultDisk(new Prng(1));
  await disk.makeFolder("/d");
  disk.fail({ code: "EIO", operations: ["write"], path: /a$/u, after: 1, times: 1 });
  await write(disk, "/d/b", "b");
  await write(disk, "/d/a", "1");
  await expect(write(disk, "/d/a", "2")).rejects.toMatchObject({ code: "EIO" });
  await write(disk, "/d/a", "3");
});

test("a full disk takes what fits and refuses the rest; removing makes room", async () => {
  const disk = new FaultDisk(new Prng(1), 3 * 4096);
  await write(disk, "/a", "a".repeat(4096));
  await expect(write(disk, "/b", "b".repeat(3 * 4096))).rejects.toMatchObject({ code: "ENOSPC" });
  expect(disk.content("/b").byteLength).toBe(2 * 4096);
  await write(disk, "/b", "c");
  expect((await disk.space("/")).availableBytes).toBe(0);
  await disk.remove("/b");
  expect((await disk.space("/")).availableBytes).toBe(2 * 4096);
});

test("after the power is cut every operation fails, also those of files that were open", async () => {
  const disk = new FaultDisk(new Prng(1));
  const file = await disk.open("/a", "write");
  disk.crashAfter(1);
  await file.sync();
  await expect(file.sync()).rejects.toMatchObject({ code: "EIO" });
  expect(disk.isDown).toBe(true);
  const next = disk.crash();
  await expect(disk.list("/")).rejects.toMatchObject({ code: "EIO" });
  await next.list("/");
});

test("a slow disk takes its time of the clock", async () => {
  const disk = new FaultDisk(new Prng(1));
  const clock = new SimClock();
  disk.slowDown(clock, 50);
  const startedMs = clock.now();
  const listing = disk.list("/");
  await clock.advance(49);
  let isDone = false;
  const watched = listing.then(() => {
    isDone = true;
  });
  expect(isDone).toBe(false);
  await clock.advance(1);
  await watched;
  expect(clock.now() - startedMs).toBe(50);
});

test("a folder is locked once, and its lock is gone after a crash", async () => {
  const disk = new FaultDisk(new Prng(1));
  await disk.makeFolder("/d");
  await disk.syncFolder("/");
  const lock = await disk.lockFolder("/d");
  expect(await disk.lockFolder("/d")).toBeUndefined();
  await lock?.close();
  await disk.lockFolder("/d");
  expect(await disk.crash().lockFolder("/d")).toBeDefined();
});
