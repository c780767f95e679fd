import { Prng } from "@cairnfs/base/random";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import {
  decodeScrub,
  encodeScrub,
  freshScrub,
  readScrub,
  type ScrubState,
  writeScrub,
} from "./scrub-file.ts";

const id = (digit: string) => digit.repeat(64) as ChunkId;

const STATE: ScrubState = {
  passStartedMs: 1,
  passEndedMs: 2,
  passBeforeMs: 3,
  requestedMs: 4,
  heardMs: 5,
  requestedDoneMs: 6,
  doneChunks: 7,
  doneBytes: 2 ** 40,
  unreadableChunks: 9,
  badCopies: 10,
  cursor: id("a"),
  latestBadCopies: [{ id: id("b"), foundMs: 11 }],
  slices: Array.from({ length: 256 }, (_, at) => ({
    chunks: at,
    sizeBytes: at * 2 ** 30,
    oldestMs: at * 1000,
  })),
};

test("what is remembered of a scrub begins with these bytes, and comes back as it was", () => {
  const bytes = encodeScrub(STATE);
  const numbers = [1, 2, 3, 4, 5, 6, 7, 2 ** 40, 9, 10];
  expect(Buffer.from(bytes.subarray(0, 125 + 40 + 2 * 20)).toString("hex")).toBe(
    Buffer.from("cairnscr").toString("hex") +
      "0001" +
      "0001" +
      numbers.map((number) => number.toString(16).padStart(16, "0")).join("") +
      "01" +
      "a".repeat(64) +
      "b".repeat(64) +
      "000000000000000b" +
      "0".repeat(40) +
      "00000001" +
      "0000000040000000" +
      "00000000000003e8",
  );
  expect(bytes.byteLength).toBe(125 + 40 + 256 * 20 + 4);
  expect(decodeScrub(bytes)).toEqual(STATE);
  expect(decodeScrub(encodeScrub(freshScrub()))).toEqual(freshScrub());
});

test("bytes that are damaged, cut short or of another version are not believed", () => {
  const bytes = encodeScrub(STATE);
  for (let at = 0; at < bytes.byteLength; at += 97) {
    const damaged = Uint8Array.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 4;
    expect(decodeScrub(damaged)).toBeUndefined();
    expect(decodeScrub(bytes.subarray(0, at))).toBeUndefined();
  }
});

test("a power loss while it is written leaves the one before or the new one", async () => {
  for (let operations = 0; operations < 8; operations++) {
    const disk = new FaultDisk(new Prng(operations));
    await disk.makeFolder("/data");
    await disk.syncFolder("/");
    await writeScrub(disk, "/data", STATE);
    disk.crashAfter(operations);
    await writeScrub(disk, "/data", { ...STATE, doneChunks: 8 }).catch(() => undefined);
    const found = await readScrub(disk.crash(), "/data");
    expect([7, 8]).toContain(found?.doneChunks);
  }
  expect(await readScrub(new FaultDisk(new Prng(1)), "/data")).toBeUndefined();
});
