import { Prng } from "@cairnfs/base/random";
import type { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import type { ChunkStore } from "./chunk-store.ts";
import { SLOT_BYTES } from "./file/chunk-file.ts";
import { openChunkStore } from "./open-store.ts";
import { headBytesOf } from "./segment/record.ts";
import { SEGMENT_HEADER_BYTES } from "./segment/segment-format.ts";
import { diskForStore, TRIAL_FOLDER } from "./testing/disk-trial.ts";
import { putChunk, readChunk, type SampleChunk, sampleChunk } from "./testing/sample-chunk.ts";

// What somebody does to the files of a data folder while its node runs.

const MIB = 1024 * 1024;
const never = new AbortController().signal;

async function openOn(
  disk: FaultDisk,
  capacityBytes?: number,
  clock = new SimClock(),
): Promise<ChunkStore> {
  const parts = { disk, clock, random: new Prng(3) };
  return openChunkStore("segment", TRIAL_FOLDER, parts, { reserveBytes: 0, capacityBytes });
}

function fileOf(disk: FaultDisk, id: ChunkId): string {
  return disk.paths().find((path) => path.includes("/chunks/") && path.endsWith(id)) ?? "";
}

function segmentOf(disk: FaultDisk): string {
  return disk.paths().find((path) => path.endsWith(".segment")) ?? "";
}

async function cut(disk: FaultDisk, path: string, sizeBytes: number): Promise<void> {
  const file = await disk.open(path, "update");
  await file.truncate(sizeBytes);
  await file.close();
}

test("a chunk whose file was removed is held until somebody looks, and then it can be stored again", async () => {
  const disk = await diskForStore(1);
  await using store = Object.assign(await openOn(disk), disposal);
  const [gone, other] = [sampleChunk(2 * MIB, 1), sampleChunk(2 * MIB, 2)];
  for (const chunk of [gone, other]) await putChunk(store, chunk, { epoch: 3 });
  const before = await store.space();
  await disk.remove(fileOf(disk, gone.id));

  await expect(readChunk(store, gone)).rejects.toMatchObject({ reason: "chunkNotFound" });
  expect(await store.verify(gone.id, never)).toBe("missing");
  // Or a repair that is sent here would be answered with a receipt for nothing.
  expect(await store.info(gone.id)).toBeUndefined();
  expect(await store.claim(gone.id, 3)).toBe(false);
  const after = await store.space();
  expect(after.chunkCount).toBe(1);
  expect(before.usedBytes - after.usedBytes).toBeGreaterThanOrEqual(2 * MIB);

  await putChunk(store, gone, { epoch: 3 });
  expect((await store.space()).usedBytes).toBe(before.usedBytes);
  expect(await store.verify(gone.id, never)).toBe("intact");
});

test("a chunk whose folder was removed with it holds up no listing, and can be stored again", async () => {
  const disk = await diskForStore(1);
  await using store = Object.assign(await openOn(disk), disposal);
  const [gone, other] = [sampleChunk(2 * MIB, 1), sampleChunk(2 * MIB, 2)];
  for (const chunk of [gone, other]) await putChunk(store, chunk);
  const path = fileOf(disk, gone.id);
  await disk.remove(path);
  await disk.removeFolder(path.slice(0, path.lastIndexOf("/")));
  expect((await store.list(undefined, 10)).map(({ id }) => id)).toEqual([other.id]);
  await putChunk(store, gone);
  expect(await store.verify(gone.id, never)).toBe("intact");
});

test("a header that is damaged, or that the medium does not give, hides one chunk and stops no listing", async () => {
  const disk = await diskForStore(1);
  const first = await openOn(disk);
  const chunks = [1, 2, 3].map((seed) => sampleChunk(2 * MIB, seed));
  const [damaged, unread, good] = chunks as [SampleChunk, SampleChunk, SampleChunk];
  for (const chunk of chunks) await putChunk(first, chunk);
  await first.close();
  await using store = Object.assign(await openOn(disk), disposal);
  disk.flipBit(fileOf(disk, damaged.id), 20);
  const heal = disk.fail({ operations: ["read"], path: new RegExp(unread.id), code: "EIO" });

  expect((await store.list(undefined, 10)).map(({ id }) => id)).toEqual([good.id]);
  const all = await store.list(undefined, 10, { withDamaged: true });
  expect(all.map(({ id }) => id)).toEqual(chunks.map(({ id }) => id).sort());
  expect(all.find(({ id }) => id === unread.id)).toEqual({
    id: unread.id,
    lengthBytes: 0,
    epoch: 0,
    verifiedMs: 0,
  });
  const bad: ChunkId[] = [];
  const stop = store.onBadCopy((id) => bad.push(id));
  for (const { id } of all) await store.verify(id, never);
  expect(bad.sort()).toEqual([damaged.id, unread.id].sort());
  heal();
  stop();
  expect((await store.list(undefined, 10, { withDamaged: true })).length).toBe(1);
  expect((await store.space()).quarantine).toMatchObject({ copies: 2 });
});

test("a listing that fails for want of handles says so, and accuses no copy", async () => {
  const disk = await diskForStore(1);
  const first = await openOn(disk);
  const chunk = sampleChunk(2 * MIB);
  await putChunk(first, chunk);
  await first.close();
  await using store = Object.assign(await openOn(disk), disposal);
  const heal = disk.fail({ operations: ["open"], path: new RegExp(chunk.id), code: "EMFILE" });
  await expect(store.list(undefined, 10, { withDamaged: true })).rejects.toMatchObject({
    reason: "storeFailed",
  });
  await expect(store.verify(chunk.id, never)).rejects.toMatchObject({ reason: "storeFailed" });
  heal();
  expect(await store.verify(chunk.id, never)).toBe("intact");
});

test("chunks whose segment was removed are bad, served no more, and can be stored again", async () => {
  const disk = await diskForStore(1);
  const first = await openOn(disk);
  const chunks = [1, 2, 3].map((seed) => sampleChunk(30_000, seed));
  for (const chunk of chunks) await putChunk(first, chunk);
  await first.close();
  await using store = Object.assign(await openOn(disk), disposal);
  await disk.remove(segmentOf(disk));
  const bad: ChunkId[] = [];
  store.onBadCopy((id) => bad.push(id));
  for (const chunk of chunks) {
    await expect(readChunk(store, chunk)).rejects.toMatchObject({ reason: "chunkCorrupt" });
    expect(await store.verify(chunk.id, never)).toBe("corrupt");
    expect(await store.info(chunk.id)).toBeUndefined();
    // It took new chunks until somebody noticed: those that come now must lie where they are found again.
    await putChunk(store, chunk);
    expect(await store.verify(chunk.id, never)).toBe("intact");
  }
  expect(bad).toEqual(chunks.map(({ id }) => id));
  expect((await store.space()).quarantine).toEqual({ copies: 0, sizeBytes: 0 });
});

test("a chunk is bad when its segment was removed while it was open, though its bytes can still be read", async () => {
  const disk = await diskForStore(1);
  await using store = Object.assign(await openOn(disk), disposal);
  const chunk = sampleChunk(30_000);
  await putChunk(store, chunk);
  await readChunk(store, chunk);
  await disk.remove(segmentOf(disk));
  expect(await store.verify(chunk.id, never)).toBe("corrupt");
});

test("of a segment that is cut short the chunks before the cut are served, and those behind it never", async () => {
  const disk = await diskForStore(1);
  const first = await openOn(disk);
  const [whole, short] = [sampleChunk(30_000, 1), sampleChunk(30_000, 2)];
  for (const chunk of [whole, short]) await putChunk(first, chunk);
  await first.close();
  await using store = Object.assign(await openOn(disk), disposal);
  await cut(disk, segmentOf(disk), SEGMENT_HEADER_BYTES + headBytesOf(30_000) + 45_000);
  expect(await store.verify(whole.id, never)).toBe("intact");
  await expect(readChunk(store, short)).rejects.toMatchObject({ reason: "chunkCorrupt" });
  expect(await store.verify(short.id, never)).toBe("corrupt");
});

test("copies in quarantine give way to chunks, the oldest first, but not those that nobody could read", async () => {
  const disk = await diskForStore(1);
  const clock = new SimClock();
  await using store = Object.assign(await openOn(disk, 8 * MIB, clock), disposal);
  const chunks = [1, 2, 3].map((seed) => sampleChunk(2 * MIB, seed));
  const [oldest, unread, newest] = chunks as [SampleChunk, SampleChunk, SampleChunk];
  for (const chunk of chunks) await putChunk(store, chunk);
  const before = await store.space();
  for (const chunk of [oldest, newest]) {
    disk.flipBit(fileOf(disk, chunk.id), 3 * SLOT_BYTES * 8);
    expect(await store.verify(chunk.id, never)).toBe("corrupt");
    await clock.advance(1000);
  }
  const heal = disk.fail({ operations: ["read"], path: new RegExp(unread.id), code: "EIO" });
  expect(await store.verify(unread.id, never)).toBe("corrupt");
  heal();
  const kept = () =>
    disk.paths().flatMap((path) => /quarantine\/\d+-(?<id>\w{64})/u.exec(path)?.groups?.id ?? []);
  expect(kept()).toEqual([oldest.id, newest.id, unread.id]);

  // What is used has not changed; what can be stored has grown by what may go.
  const { usedBytes, availableBytes, quarantine } = await store.space();
  expect(usedBytes).toBe(before.usedBytes);
  expect(quarantine.copies).toBe(3);
  expect(availableBytes - before.availableBytes).toBeGreaterThanOrEqual(4 * MIB);

  await putChunk(store, sampleChunk(2 * MIB + 1, 5));
  expect(kept()).toEqual([newest.id, unread.id]);
  await putChunk(store, sampleChunk(2 * MIB, 6));
  expect(kept()).toEqual([unread.id]);
  await expect(putChunk(store, sampleChunk(2 * MIB, 7))).rejects.toMatchObject({
    reason: "storeFull",
  });
  expect(kept()).toEqual([unread.id]);
});

const disposal = {
  async [Symbol.asyncDispose](this: ChunkStore): Promise<void> {
    await this.close();
  },
};
