import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type DiskFile, hasErrorCode, readFully } from "./disk.ts";
import { PAGE_BYTES, pageBuffer } from "./page-memory.ts";
import { RealDisk } from "./real-disk.ts";
import { temporaryFolder } from "./testing/temp-folder.ts";

const disk = new RealDisk();

test("what was written in parts at a position is read back from there", async () => {
  await using folder = await temporaryFolder();
  const file = await disk.open(join(folder.path, "a"), "create");
  const parts = Array.from({ length: 2500 }, (_, index) => Buffer.from(`${index},`));
  await file.write(parts, 3);
  await file.sync();
  const whole = Buffer.concat(parts);
  const into = Buffer.alloc(whole.byteLength + 10);
  expect(await readFully(file, into, 3)).toBe(whole.byteLength);
  expect(into.subarray(0, whole.byteLength).equals(whole)).toBe(true);
  expect(await file.sizeBytes()).toBe(whole.byteLength + 3);
  await file.truncate(5);
  expect(await file.read(into, 0)).toBe(5);
  await file.close();
});

test("a file can be made once, opened when it is there, and belongs to its user alone", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a");
  await expect(disk.open(path, "read")).rejects.toMatchObject({ code: "ENOENT" });
  await expect(disk.open(path, "update")).rejects.toMatchObject({ code: "ENOENT" });
  await (await disk.open(path, "create")).close();
  await expect(disk.open(path, "create")).rejects.toMatchObject({ code: "EEXIST" });
  await (await disk.open(path, "write")).close();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("names can be listed, renamed over and removed twice", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await disk.makeFolder(at("f/g"));
  await disk.makeFolder(at("f/g"));
  await writeFile(at("a"), "one");
  await writeFile(at("b"), "other");
  await disk.rename(at("a"), at("b"));
  await disk.syncFolder(folder.path);
  expect(await disk.list(folder.path)).toEqual(
    expect.arrayContaining([
      { name: "b", isDirectory: false },
      { name: "f", isDirectory: true },
    ]),
  );
  expect(await disk.fileBytes(at("b"))).toBe(3);
  await disk.remove(at("b"));
  await disk.remove(at("b"));
  expect(await disk.fileBytes(at("b"))).toBeUndefined();
  await expect(disk.removeFolder(at("f"))).rejects.toSatisfy((error) =>
    hasErrorCode(error, "ENOTEMPTY"),
  );
  await disk.removeFolder(at("f/g"));
  await disk.removeFolder(at("f/g"));
});

test("the space of a disk is positive and what is available fits in it", async () => {
  await using folder = await temporaryFolder();
  const space = await disk.space(folder.path);
  expect(space.availableBytes).toBeGreaterThan(0);
  expect(space.capacityBytes).toBeGreaterThanOrEqual(space.availableBytes);
});

test("a folder is locked once, however deep it lies, and again after its holder closed", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "d".repeat(100), "e".repeat(100));
  await mkdir(path, { recursive: true });
  const first = await disk.lockFolder(path);
  expect(first).toBeDefined();
  expect(await disk.lockFolder(path)).toBeUndefined();
  await first?.close();
  const second = await disk.lockFolder(path);
  expect(second).toBeDefined();
  await second?.close();
});

test("of many that lock a folder at once at most one gets it", async () => {
  await using folder = await temporaryFolder();
  for (let round = 0; round < 10; round++) {
    const locks = await Promise.all(Array.from({ length: 8 }, () => disk.lockFolder(folder.path)));
    const held = locks.filter((lock) => lock !== undefined);
    expect(held.length).toBeLessThanOrEqual(1);
    for (const lock of held) await lock.close();
  }
});

test("a process that was killed leaves no lock behind", async () => {
  await using folder = await temporaryFolder();
  // A socket that nobody listens on any more is what kill -9 leaves.
  const holder = spawn(process.execPath, [
    "-e",
    `require("node:net").createServer().listen(${JSON.stringify(join(folder.path, "lock-7"))}, () => console.log("up"))`,
  ]);
  await once(holder.stdout, "data");
  expect(await disk.lockFolder(folder.path)).toBeUndefined();
  holder.kill("SIGKILL");
  await once(holder, "exit");
  const lock = await disk.lockFolder(folder.path);
  expect(lock).toBeDefined();
  expect((await disk.list(folder.path)).map((entry) => entry.name)).toEqual(["lock-8"]);
  await lock?.close();
});

test("a direct file takes whole pages and refuses anything else", async (context) => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a");
  const pages = pageBuffer(2 * PAGE_BYTES).fill(7);
  let file: DiskFile;
  try {
    file = await disk.open(path, "create", { isDirect: true });
  } catch (error) {
    // Not every file system that tests run on has them.
    if (hasErrorCode(error, "EINVAL", "ENOTSUP")) return context.skip();
    throw error;
  }
  await file.write([pages], PAGE_BYTES);
  await expect(file.write([pages.subarray(0, 100)], 0)).rejects.toMatchObject({ code: "EINVAL" });
  await file.truncate(PAGE_BYTES + 100);
  await file.sync();
  await file.close();
  const read = Buffer.alloc(3 * PAGE_BYTES);
  const again = await disk.open(path, "read");
  expect(await readFully(again, read, 0)).toBe(PAGE_BYTES + 100);
  expect(read.subarray(PAGE_BYTES, PAGE_BYTES + 100).every((byte) => byte === 7)).toBe(true);
  await again.close();
});
