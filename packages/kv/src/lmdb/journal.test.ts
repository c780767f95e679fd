import { Prng } from "@cairnfs/base/random";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { expect, test } from "vitest";
import { TOMBSTONE } from "../view.ts";
import { Journal } from "./journal.ts";
import { RecordBuilder, readEntries, readRecords } from "./journal-record.ts";

const FOLDER = "/store";
const SALT = Buffer.from("a5a5a5a5a5a5a5a5", "hex");

async function newDisk(seed = 1): Promise<FaultDisk> {
  const disk = new FaultDisk(new Prng(seed));
  await disk.makeFolder(FOLDER);
  await disk.syncFolder("/");
  return disk;
}

function openJournal(disk: FaultDisk, applied: number) {
  return Journal.open(FOLDER, disk, { applied, salt: SALT });
}

function record(...values: readonly string[]): RecordBuilder {
  const builder = new RecordBuilder();
  for (const value of values) builder.add("key", Buffer.from(value));
  return builder;
}

/** What a journal hands over when it is opened: the values of its entries, a text for each record. */
async function reopened(disk: FaultDisk, applied = 0): Promise<string[]> {
  const { journal, records } = await openJournal(disk, applied);
  await journal.close();
  return records.map((found) => {
    const values: string[] = [];
    readEntries(found, (_key, written) => {
      values.push(written === TOMBSTONE ? "gone" : Buffer.from(written).toString());
    });
    return values.join(" ");
  });
}

test("the format of a record is frozen", async () => {
  const disk = await newDisk();
  const { journal } = await openJournal(disk, 258);
  const builder = new RecordBuilder();
  builder.add("a\u00ff", Buffer.from("1"));
  builder.add("b", TOMBSTONE);
  await journal.append(builder, 2 ** 32 + 259);
  const path = disk.paths().find((each) => disk.content(each).byteLength > 0) ?? "";
  expect(Buffer.from(disk.content(path)).toString("hex")).toBe(
    "434b4a31" +
      "3da55c82" +
      "a5a5a5a5a5a5a5a5" +
      "0000000000000102" +
      "0000000100000103" +
      "00000010" +
      "00020000000161ff31" +
      "0001ffffffff62",
  );
});

test("records come back oldest first, and those in the store do not", async () => {
  const disk = await newDisk();
  const { journal } = await openJournal(disk, 0);
  await journal.append(record("a", "b"), 2);
  await journal.append(record("c"), 3);
  journal.turn();
  await journal.append(record("d"), 5);
  await journal.close();
  expect(await reopened(disk.crash())).toEqual(["a b", "c", "d"]);
  expect(await reopened(disk.crash(), 3)).toEqual(["d"]);
  expect(await reopened(disk.crash(), 5)).toEqual([]);
});

test("a file whose commits are in the store is written over, and what is left of them is not taken for new", async () => {
  const disk = await newDisk();
  const { journal } = await openJournal(disk, 0);
  let last = 0;
  for (let round = 0; round < 10; round++) {
    journal.turn();
    for (let at = 0; at < 5 - (round % 3); at++)
      await journal.append(record(`${last + 1}`), ++last);
    const { sizeBytes } = journal;
    journal.release(last);
    expect(journal.sizeBytes).toBeLessThan(sizeBytes);
  }
  await journal.append(record("new"), ++last);
  await journal.close();
  expect(await reopened(disk, last - 1)).toEqual(["new"]);
});

test("an opened journal goes on where it ended", async () => {
  const disk = await newDisk();
  for (let last = 1; last <= 4; last++) {
    const { journal } = await openJournal(disk, 0);
    expect(journal.last).toBe(last - 1);
    await journal.append(record(`${last}`), last);
    await journal.close();
  }
  expect(await reopened(disk)).toEqual(["1", "2", "3", "4"]);
});

test("whatever a power loss tears, what was acknowledged is there and nothing after it is half", async () => {
  // Goal: durable when told so. Method: the power goes at a random operation, and the disk keeps any part of what was not synced.
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Prng(seed);
    const disk = await newDisk(seed);
    const { journal } = await openJournal(disk, 0);
    disk.crashAfter(1 + Math.floor(random.next() * 40));
    let acknowledged = 0;
    let turned = 0;
    let released = 0;
    try {
      for (;;) {
        const text = `${acknowledged + 1}`.padEnd(1 + Math.floor(random.next() * 3000));
        await journal.append(record(text, "end"), acknowledged + 1);
        acknowledged += 1;
        if (random.next() < 0.2) {
          released = turned;
          journal.release(released);
          journal.turn();
          turned = acknowledged;
        }
      }
    } catch {
      // The power has gone.
    }
    const found = await reopened(disk.crash(), released);
    const numbers = found.map((text) => Number.parseInt(text, 10));
    expect(found.every((text) => text.endsWith("end"))).toBe(true);
    expect(numbers.at(-1) ?? released).toBeGreaterThanOrEqual(acknowledged);
    expect(numbers.at(-1) ?? released).toBeLessThanOrEqual(acknowledged + 1);
  }
});

test("a record that cannot be written is not stored, and the journal goes on", async () => {
  const disk = await newDisk();
  const { journal } = await openJournal(disk, 0);
  await journal.append(record("a"), 1);
  for (const [operation, code, reason] of [
    ["write", "ENOSPC", "storeFull"],
    ["write", "EIO", "storeFailed"],
    ["sync", "EIO", "storeFailed"],
  ] as const) {
    disk.fail({ code, operations: [operation], times: 1 });
    await expect(journal.append(record("refused"), 5)).rejects.toThrow(
      expect.objectContaining({ reason }),
    );
    expect(await reopened(disk)).toEqual(["a"]);
  }
  await journal.append(record("b"), 9);
  expect(await reopened(disk.crash())).toEqual(["a", "b"]);
});

test("where it is not known whether a record is stored nothing more is written", async () => {
  const disk = await newDisk();
  const { journal } = await openJournal(disk, 0);
  const mend = disk.fail({ code: "EIO", operations: ["sync"] });
  await expect(journal.append(record("a"), 1)).rejects.toThrow("cannot be synced");
  mend();
  await expect(journal.append(record("b"), 2)).rejects.toThrow("cannot be synced");
  expect(journal.failure).toBeDefined();
});

test("a journal with a record in its middle that has rotted is refused, and says where", async () => {
  const disk = await newDisk();
  const { journal } = await openJournal(disk, 0);
  for (const last of [1, 2, 3]) await journal.append(record(`${last}`), last);
  await journal.close();
  const [path = ""] = disk.paths().filter((each) => disk.content(each).byteLength > 0);
  const recordBytes = disk.content(path).byteLength / 3;
  disk.flipBit(path, 8 * (recordBytes + 20));
  await expect(reopened(disk)).rejects.toThrow(
    `the journal is damaged at byte ${recordBytes}: commits up to 3 are behind it, and 1 is the last before`,
  );
});

test("bytes of a client's that follow a record as one would are not taken for one", () => {
  const whole = Uint8Array.from(record("whole").finish(SALT, 0, 1));
  const texts = (salt: Uint8Array) => {
    const file = Buffer.concat([whole, record("next").finish(salt, 1, 2)]);
    return readRecords(file, { applied: 0, salt: SALT }).map((found) => found.last);
  };
  expect(texts(SALT)).toEqual([1, 2]);
  expect(texts(Buffer.alloc(8, 7))).toEqual([1]);
});

test("a journal that lacks a record in its middle is refused", async () => {
  const disk = await newDisk();
  const { journal } = await openJournal(disk, 0);
  await journal.append(record("a"), 1);
  const [path = ""] = disk.paths().filter((each) => disk.content(each).byteLength > 0);
  journal.turn();
  await journal.append(record("b"), 2);
  await journal.close();
  disk.flipBit(path, 8 * 20);
  await expect(reopened(disk)).rejects.toThrow(
    "the journal in /store goes on after commit 1, expected 0",
  );
});
