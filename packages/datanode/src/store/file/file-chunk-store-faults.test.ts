import { mkdir } from "node:fs/promises";
import { createSha256 } from "@cairnfs/base/checksum";
import { Prng } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import { silentLogger } from "@cairnfs/base/telemetry";
import type { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { type ChunkId, chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { Quarantine } from "../quarantine.ts";
import { SpaceLedger } from "../space-ledger.ts";
import { diskForStore, partsFor, TRIAL_FOLDER } from "../testing/disk-trial.ts";
import { pieceOf, putChunk, readChunk, sampleChunk } from "../testing/sample-chunk.ts";
import { SLOT_BYTES } from "./chunk-file.ts";
import { FileChunkStore } from "./file-chunk-store.ts";

const MIB = 1024 * 1024;
const never = new AbortController().signal;
const open = (disk: FaultDisk, clock = new SimClock()) =>
  FileChunkStore.open(TRIAL_FOLDER, partsFor(disk, clock));
const pathOf = (id: ChunkId) => `${TRIAL_FOLDER}/chunks/${id.slice(0, 2)}/${id.slice(2, 3)}/${id}`;

test("a torn change of the header leaves the one before", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const chunk = sampleChunk(100);
  await putChunk(store, chunk, { epoch: 5 });
  await store.claim(chunk.id, 9);
  await store.close();
  disk.flipBit(pathOf(chunk.id), (SLOT_BYTES + 60) * 8);
  const again = await open(disk);
  expect((await again.info(chunk.id))?.epoch).toBe(5);
  expect(Buffer.compare(await readChunk(again, chunk), chunk.bytes)).toBe(0);
});

test("a copy without a valid header is not held, is set aside by verify and gone after delete", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const [one, other] = [sampleChunk(100, 1), sampleChunk(100, 2)];
  for (const chunk of [one, other]) {
    await putChunk(store, chunk);
    await store.claim(chunk.id, 2);
  }
  await store.close();
  const again = await open(disk);
  for (const chunk of [one, other]) {
    disk.flipBit(pathOf(chunk.id), 20);
    disk.flipBit(pathOf(chunk.id), SLOT_BYTES * 8 + 20);
    expect(await again.info(chunk.id)).toBeUndefined();
    await expect(readChunk(again, chunk)).rejects.toMatchObject({ reason: "chunkCorrupt" });
    expect(await again.claim(chunk.id, 3)).toBe(false);
  }
  expect(await again.list(undefined, 10)).toEqual([]);
  expect(await again.verify(one.id, never)).toBe("corrupt");
  expect(await again.delete(other.id, 1)).toBe(true);
  expect((await again.space()).chunkCount).toBe(0);
  expect(disk.paths().filter((path) => path.includes("/chunks/"))).toEqual([]);
});

test("damaged checksums and a file that is cut short are corrupt, never other bytes", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const [rotten, short] = [sampleChunk(100_000, 1), sampleChunk(100_000, 2)];
  await putChunk(store, rotten);
  await putChunk(store, short);
  disk.flipBit(pathOf(rotten.id), 2 * SLOT_BYTES * 8);
  const file = await disk.open(pathOf(short.id), "update");
  await file.truncate(50_000);
  for (const chunk of [rotten, short]) {
    await expect(readChunk(store, chunk)).rejects.toMatchObject({ reason: "chunkCorrupt" });
    expect(await store.verify(chunk.id, never)).toBe("corrupt");
  }
});

test("a copy that the disk cannot read is reported, and set aside when it is verified", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const chunk = sampleChunk(100);
  await putChunk(store, chunk);
  const heal = disk.fail({ code: "EIO", operations: ["read"] });
  await expect(readChunk(store, chunk)).rejects.toMatchObject({ reason: "storeFailed" });
  expect(await store.verify(chunk.id, never)).toBe("corrupt");
  heal();
  await expect(readChunk(store, chunk)).rejects.toMatchObject({ reason: "chunkNotFound" });
});

for (const code of ["EACCES", "EMFILE"] as const) {
  test(`a copy that ${code} keeps from being read is not taken for corrupt`, async () => {
    const disk = await diskForStore(1);
    const store = await open(disk);
    const chunk = sampleChunk(100);
    await putChunk(store, chunk);
    const heal = disk.fail({ code, operations: ["open", "read"], path: /\/chunks\// });
    await expect(store.verify(chunk.id, never)).rejects.toMatchObject({ reason: "storeFailed" });
    heal();
    expect(await store.verify(chunk.id, never)).toBe("intact");
    expect(Buffer.compare(await readChunk(store, chunk), chunk.bytes)).toBe(0);
  });
}

test("copies that were set aside unread stay in the quarantine, however many", async () => {
  const disk = await diskForStore(1);
  const clock = new SimClock();
  const store = await open(disk, clock);
  const chunks = Array.from({ length: 70 }, (_, seed) => sampleChunk(10, seed));
  for (const [index, chunk] of chunks.entries()) {
    await putChunk(store, chunk);
    await clock.advance(1);
    const isUnread = index < 35;
    const heal = isUnread ? disk.fail({ code: "EIO", operations: ["read"] }) : () => undefined;
    if (!isUnread) disk.flipBit(pathOf(chunk.id), 3 * SLOT_BYTES * 8);
    expect(await store.verify(chunk.id, never)).toBe("corrupt");
    heal();
  }
  const kept = disk.paths().filter((path) => path.includes("/quarantine/"));
  expect(kept.filter((path) => path.endsWith(".unread")).length).toBe(35);
  expect(kept.length).toBe(35 + 32);
});

test("the quarantine keeps the last 32 copies", async () => {
  const disk = await diskForStore(1);
  const clock = new SimClock();
  const store = await open(disk, clock);
  for (let seed = 0; seed < 34; seed++) {
    const chunk = sampleChunk(10, seed);
    await putChunk(store, chunk);
    disk.flipBit(pathOf(chunk.id), 3 * SLOT_BYTES * 8);
    await clock.advance(1);
    expect(await store.verify(chunk.id, never)).toBe("corrupt");
  }
  const kept = disk.paths().filter((path) => path.includes("/quarantine/"));
  expect(kept.length).toBe(32);
  expect(kept.some((path) => path.endsWith(sampleChunk(10, 33).id))).toBe(true);
  expect(kept.some((path) => path.endsWith(sampleChunk(10, 1).id))).toBe(false);
});

for (const operation of ["write", "sync", "rename", "syncFolder"] as const) {
  test(`a put whose ${operation} fails is not there, and the next one is`, async () => {
    const disk = await diskForStore(1);
    const store = await open(disk);
    const chunk = sampleChunk(100);
    const before = await store.space();
    const heal = disk.fail({ code: "EIO", operations: [operation] });
    await expect(putChunk(store, chunk)).rejects.toMatchObject({ reason: "storeFailed" });
    heal();
    expect(await store.info(chunk.id)).toBeUndefined();
    expect(disk.paths().filter((path) => path.includes("/drafts/"))).toEqual([]);
    expect(await store.space()).toEqual(before);
    await putChunk(store, chunk);
    expect(Buffer.compare(await readChunk(store, chunk), chunk.bytes)).toBe(0);
  });
}

test("on a disk that is full to the last byte claims and deletions work and puts are refused", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const [one, other] = [sampleChunk(100, 1), sampleChunk(100, 2)];
  await putChunk(store, one);
  await putChunk(store, other);
  disk.limit(2 ** 40 - (await disk.space("/")).availableBytes);
  await expect(putChunk(store, sampleChunk(100, 3))).rejects.toMatchObject({ reason: "storeFull" });
  expect(await store.claim(one.id, 9)).toBe(true);
  expect(await store.delete(other.id, 1)).toBe(true);
  expect((await store.info(one.id))?.epoch).toBe(9);
});

test("a claim after one whose sync failed is durable, though the machine took the pages for clean", async () => {
  for (let seed = 0; seed < 40; seed++) {
    const disk = await diskForStore(seed);
    const store = await open(disk);
    const chunk = sampleChunk(100);
    await putChunk(store, chunk, { epoch: 1 });
    const heal = disk.fail({ code: "EIO", operations: ["sync"] });
    await expect(store.claim(chunk.id, 9)).rejects.toMatchObject({ reason: "storeFailed" });
    heal();
    expect(await store.claim(chunk.id, 9)).toBe(true);
    expect((await (await open(disk.crash())).info(chunk.id))?.epoch, `seed ${seed}`).toBe(9);
  }
});

test("a store that was not closed counts again what it holds", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  for (let seed = 0; seed < 5; seed++) await putChunk(store, sampleChunk(1000 + seed, seed));
  const { chunkCount, usedBytes } = await store.space();
  expect(await (await open(disk.crash())).space()).toMatchObject({ chunkCount, usedBytes });
});

test("a reader that stops early, and a store that is closed, leave nothing open or begun", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const chunk = sampleChunk(3 * MIB);
  await putChunk(store, chunk);
  for await (const piece of store.read(chunk.id, { offsetBytes: 0, lengthBytes: 3 * MIB })) {
    expect(piece.data.byteLength).toBe(MIB);
    break;
  }
  const writer = await store.put({ lengthLimitBytes: 100, epoch: 1 });
  await store.close();
  expect(disk.paths().filter((path) => path.includes("/drafts/"))).toEqual([]);
  await writer.abort();
  await expect(store.put({ lengthLimitBytes: 1, epoch: 1 })).rejects.toMatchObject({
    reason: "shuttingDown",
  });
  await expect(store.info(chunk.id)).rejects.toMatchObject({ reason: "shuttingDown" });
});

test("a chunk of 160 MiB passes through little memory, in and out", async () => {
  // Goal: memory does not grow with the chunk. Method: the peak of what is held outside the heap, on the real disk.
  await using folder = await temporaryFolder();
  const disk = new RealDisk();
  const clock = new SimClock();
  await mkdir(`${folder.path}/store`);
  const ledger = new SpaceLedger(() => disk.space(folder.path), clock, { reserveBytes: 0 });
  const store = await FileChunkStore.open(`${folder.path}/store`, {
    disk,
    clock,
    logger: silentLogger,
    ledger,
    quarantine: new Quarantine(`${folder.path}/store/quarantine`, { disk, clock, ledger }),
  });
  const sizeBytes = 160 * MIB;
  const buffer = Buffer.from(new Prng(1).bytes(MIB));
  const hash = createSha256();
  let peakBytes = 0;
  const look = () => {
    peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers);
  };
  const startBytes = process.memoryUsage().arrayBuffers;
  const writer = await store.put({ lengthLimitBytes: sizeBytes, epoch: 1 });
  for (let at = 0; at < sizeBytes; at += MIB) {
    buffer.writeUInt32BE(at, 0);
    hash.update(buffer);
    await writer.write(pieceOf(buffer));
    look();
  }
  const id = chunkIdFromBytes(hash.digest());
  await writer.commit(id);
  let readBytes = 0;
  for await (const piece of store.read(id, { offsetBytes: 0, lengthBytes: sizeBytes })) {
    expect(Buffer.from(piece.data).readUInt32BE(0)).toBe(readBytes);
    readBytes += piece.data.byteLength;
    look();
  }
  await store.close();
  expect(readBytes).toBe(sizeBytes);
  // What was read is let go of when the collector comes by.
  expect(peakBytes - startBytes).toBeLessThan(96 * MIB);
}, 60_000);
