import type { Disk } from "@cairnfs/base/disk";
import { Prng } from "@cairnfs/base/random";
import type { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { BLOCK_BYTES } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { blocksOf } from "../block-range.ts";
import { diskForStore, partsFor, TRIAL_FOLDER } from "../testing/disk-trial.ts";
import { pieceOf, type SampleChunk, sampleChunk } from "../testing/sample-chunk.ts";
import { FooterBuilder } from "./footer-builder.ts";
import { encodeRecordHead, headBytesOf, paddingOf, RecordKind, recordBytesOf } from "./record.ts";
import { SegmentChunkStore, type SegmentStoreOptions } from "./segment-chunk-store.ts";
import { encodeTrailer, SEGMENT_HEADER_BYTES, TRAILER_BYTES } from "./segment-format.ts";

const never = new AbortController().signal;
const small: SegmentStoreOptions = { segmentBytesMax: 20_000, liveShareMin: 0.95 };

function open(disk: Disk & FaultDisk, options = small, clock = new SimClock()) {
  return SegmentChunkStore.open(
    TRIAL_FOLDER,
    { ...partsFor(disk, clock), random: new Prng(3) },
    options,
  );
}

function put(store: SegmentChunkStore, { id, bytes }: SampleChunk, epoch = 1) {
  return store.put({
    id,
    epoch,
    lengthBytes: bytes.byteLength,
    blockChecksums: pieceOf(bytes).blockChecksums,
    data: [bytes],
  });
}

async function read(store: SegmentChunkStore, { id, bytes }: SampleChunk): Promise<boolean> {
  const parts: Uint8Array[] = [];
  for await (const piece of store.read(id, { offsetBytes: 0, lengthBytes: bytes.byteLength })) {
    parts.push(piece.data);
  }
  return Buffer.compare(Buffer.concat(parts), bytes) === 0;
}

const segmentsOf = (disk: FaultDisk) =>
  disk.paths().filter((path) => path.includes("/segments/") && path.endsWith(".segment"));

const chunks = (count: number, sizeBytes = 3000) =>
  Array.from({ length: count }, (_, seed) => sampleChunk(sizeBytes, seed));

async function compactAll(store: SegmentChunkStore): Promise<void> {
  while ((await store.compaction.step(never)) === "again") {
    // As long as there is something to do.
  }
}

test("many puts at once share few syncs", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk, {});
  await put(store, sampleChunk(10, 99));
  const before = disk.operations;
  await Promise.all(chunks(200).map((chunk) => put(store, chunk)));
  // A write and a sync for each batch.
  expect((disk.operations - before) / 2).toBeLessThan(4);
  expect(store.chunkCount).toBe(201);
});

test("segments without a whole footer are found by their records", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const all = chunks(30);
  for (const chunk of all) await put(store, chunk);
  for (const chunk of all.slice(0, 5)) await store.delete(chunk.id, 1);
  await store.claim(all[7]?.id as never, 9);
  await store.close();
  // The newest has no footer yet.
  for (const path of segmentsOf(disk).slice(0, -1)) {
    const sizeBytes = disk.content(path).byteLength;
    // The trailer of some, the entries of others.
    disk.flipBit(path, (sizeBytes - (path.charCodeAt(20) % 2 === 0 ? 30 : 60)) * 8);
  }
  const again = await open(disk);
  expect(again.chunkCount).toBe(25);
  expect(again.info(all[7]?.id as never)?.epoch).toBe(9);
  for (const chunk of all.slice(5)) expect(await read(again, chunk)).toBe(true);
  // They have been sealed again: the next time nothing is scanned.
  await again.close();
  expect((await open(disk)).chunkCount).toBe(25);
});

test("a segment whose header rotted is found by its first record", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk, {});
  const [first, second] = chunks(2) as [SampleChunk, SampleChunk];
  await put(store, first);
  await put(store, second);
  await store.close();
  disk.flipBit(segmentsOf(disk)[0] ?? "", 3);
  const again = await open(disk, {});
  expect(again.chunkCount).toBe(2);
  expect(await read(again, second)).toBe(true);
});

test("a segment of which nothing can be made sense of is kept aside and the rest is served", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const all = chunks(12);
  for (const chunk of all) await put(store, chunk);
  await store.close();
  const [victim = ""] = segmentsOf(disk);
  const sizeBytes = disk.content(victim).byteLength;
  for (const at of [3, SEGMENT_HEADER_BYTES + 3, sizeBytes - 38]) disk.flipBit(victim, at * 8);
  const again = await open(disk);
  expect(again.chunkCount).toBeGreaterThan(0);
  expect(again.chunkCount).toBeLessThan(12);
  expect(disk.paths()).toContain(`${victim}.unreadable`);
});

test("what a crash left unfinished behind the last record is cut off, and puts go on there", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk, {});
  const [first, second] = chunks(2) as [SampleChunk, SampleChunk];
  await put(store, first);
  await store.close();
  const [path = ""] = segmentsOf(disk);
  const sizeBytes = SEGMENT_HEADER_BYTES + recordBytesOf(first.bytes.byteLength);
  const file = await disk.open(path, "update");
  const torn = encodeRecordHead(
    {
      kind: 1,
      id: Buffer.alloc(32, 1),
      lengthBytes: 900,
      epoch: 1,
      verifiedS: 0,
      blockChecksums: [5],
    },
    Buffer.from(disk.content(path).subarray(16, 24)),
  );
  await file.write([torn, new Uint8Array(300)], sizeBytes);
  const again = await open(disk, {});
  expect(again.chunkCount).toBe(1);
  expect(disk.content(path).byteLength).toBe(sizeBytes);
  await put(again, second);
  await again.close();
  const third = await open(disk, {});
  expect(third.chunkCount).toBe(2);
  expect(await read(third, second)).toBe(true);
});

test("damage in the newest segment does not hide what is behind it", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk, {});
  const all = chunks(5);
  for (const chunk of all) await put(store, chunk);
  await store.close();
  const [path = ""] = segmentsOf(disk);
  disk.flipBit(path, (SEGMENT_HEADER_BYTES + recordBytesOf(3000) + 20) * 8);
  const again = await open(disk, {});
  expect(again.chunkCount).toBe(4);
  for (const chunk of [all[0], all[2], all[4]])
    expect(await read(again, chunk as never)).toBe(true);
});

test("bytes that a client chose never pass for a record", async () => {
  // Goal: a chunk whose bytes are a deletion of another does not delete it, even when the head before them rots.
  const disk = await diskForStore(1);
  const store = await open(disk, {});
  const victim = sampleChunk(500);
  await put(store, victim);
  const forged = Buffer.concat([
    new Uint8Array((8 - (headBytesOf(1000) % 8)) % 8),
    encodeRecordHead(
      {
        kind: RecordKind.deletion,
        id: Buffer.from(victim.id, "hex"),
        lengthBytes: 0,
        epoch: 1,
        verifiedS: 0,
        blockChecksums: [],
      },
      Buffer.alloc(8, 0x77),
    ),
  ]);
  const { id } = sampleChunk(1, 5);
  await put(store, { id, bytes: forged });
  await store.close();
  const [path = ""] = segmentsOf(disk);
  disk.flipBit(path, (SEGMENT_HEADER_BYTES + recordBytesOf(500) + 20) * 8);
  const again = await open(disk, {});
  expect(again.info(victim.id)).toBeDefined();
  expect(again.chunkCount).toBe(1);
});

for (const isSealed of [false, true]) {
  test(`a record with an impossible epoch in ${isSealed ? "a sealed" : "the newest"} segment is skipped`, async () => {
    const disk = await diskForStore(1);
    const store = await open(disk, {});
    const [good, forged] = chunks(2) as [SampleChunk, SampleChunk];
    await put(store, good);
    await store.close();
    const [path = ""] = segmentsOf(disk);
    const salt = Uint8Array.from(disk.content(path).subarray(16, 24));
    const offset = disk.content(path).byteLength;
    const record = {
      kind: RecordKind.chunk,
      id: Buffer.from(forged.id, "hex"),
      lengthBytes: 3000,
      epoch: 2 ** 48,
      verifiedS: 0,
      blockChecksums: pieceOf(forged.bytes).blockChecksums,
    };
    const footer = new FooterBuilder();
    footer.add({
      ...record,
      id: Buffer.from(good.id, "hex"),
      epoch: 1,
      offset: SEGMENT_HEADER_BYTES,
    });
    footer.add({ ...record, offset });
    const endOffset = offset + recordBytesOf(3000);
    const parts = [encodeRecordHead(record, salt), forged.bytes, paddingOf(3000)];
    if (isSealed) parts.push(...footer.encode({ number: 1, salt, sizeBytes: endOffset }));
    const file = await disk.open(path, "update");
    await file.write(parts, offset);
    const again = await open(disk, {});
    expect(again.list(undefined, 10).map((info) => info.id)).toEqual([good.id]);
    expect(await read(again, good)).toBe(true);
  });
}

for (const isHeaderRotten of [false, true]) {
  test(`bytes that a client chose never pass for a footer${isHeaderRotten ? ", nor when the header rots" : ""}`, async () => {
    // Goal: the last chunk of the newest segment, which has no footer, cannot say that the segment holds nothing.
    const disk = await diskForStore(1);
    const store = await open(disk, {});
    const victim = sampleChunk(500);
    await put(store, victim);
    let sizeBytes = 200;
    while ((headBytesOf(sizeBytes) + sizeBytes) % 8 > 0) sizeBytes += 1;
    const endBytes = SEGMENT_HEADER_BYTES + recordBytesOf(500) + headBytesOf(sizeBytes) + sizeBytes;
    const forged = Buffer.alloc(sizeBytes, 7);
    const trailer = encodeTrailer({
      number: 1,
      salt: Buffer.alloc(8),
      entryCount: 0,
      footerOffset: endBytes - TRAILER_BYTES,
      footerChecksum: 0,
    });
    forged.set(trailer, sizeBytes - TRAILER_BYTES);
    await put(store, { id: sampleChunk(1, 5).id, bytes: forged });
    await store.close();
    if (isHeaderRotten) disk.flipBit(segmentsOf(disk)[0] ?? "", 3);
    const again = await open(disk, {});
    expect(again.chunkCount).toBe(2);
    expect(await read(again, victim)).toBe(true);
  });
}

test("a deletion works on a disk that is full to the last byte, and compaction then frees it", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const all = chunks(40);
  for (const chunk of all) await put(store, chunk);
  const usedBytes = 2 ** 40 - (await disk.space("/")).availableBytes;
  disk.limit(usedBytes);
  await expect(put(store, sampleChunk(9000, 77))).rejects.toMatchObject({ reason: "storeFull" });
  for (const chunk of all.slice(1)) expect(await store.delete(chunk.id, 1)).toBe(true);
  await compactAll(store);
  expect(segmentsOf(disk).length).toBeLessThan(4);
  await put(store, sampleChunk(9000, 77));
  expect(await read(store, all[0] as never)).toBe(true);
  await store.close();
  expect((await open(disk)).chunkCount).toBe(2);
});

test("compaction keeps chunks, epochs and verifications, brings nothing back, and lets deletions go in the end", async () => {
  const disk = await diskForStore(1);
  const clock = new SimClock();
  let store = await open(disk, small, clock);
  const all = chunks(60);
  for (const chunk of all) await put(store, chunk, 5);
  const kept = all.filter((_, index) => index % 5 === 0);
  for (const chunk of kept) {
    await store.claim(chunk.id, 8);
    await store.verify(chunk.id, never);
  }
  for (const chunk of all) if (!kept.includes(chunk)) await store.delete(chunk.id, 7);
  for (let round = 0; round < 3; round++) {
    await compactAll(store);
    const infos = store.list(undefined, 100);
    expect(infos.map((info) => info.id)).toEqual(kept.map((chunk) => chunk.id).sort());
    for (const info of infos) {
      expect(info).toMatchObject({ epoch: 8, verifiedMs: clock.now() });
    }
    for (const chunk of kept) expect(await read(store, chunk)).toBe(true);
    await store.close();
    store = await open(disk, small, clock);
  }
  for (const chunk of kept) await store.delete(chunk.id, 9);
  // Enough of others to end the newest segment, which is never compacted.
  for (const chunk of chunks(8, 3001)) await put(store, chunk);
  for (const chunk of chunks(8, 3001)) await store.delete(chunk.id, 9);
  for (const chunk of chunks(7, 3002)) await put(store, chunk);
  await compactAll(store);
  const leftBytes = segmentsOf(disk).reduce((sum, path) => sum + disk.content(path).byteLength, 0);
  expect(leftBytes).toBeLessThan(2 * 20_000 + 10_000);
});

test("nothing deleted comes back when the power goes after segments with deletions were compacted", async () => {
  // Goal: a deletion outlives the data it deletes, also where the removal of that data is what a power loss undoes.
  // Method: data, its deletions and what ends the segment of those lie in three segments, of which compaction removes two.
  for (let seed = 0; seed < 60; seed++) {
    const disk = await diskForStore(seed);
    const store = await open(disk, { segmentBytesMax: 60_000 });
    const [all, others] = [chunks(19, 3100), chunks(19, 3101)];
    for (const chunk of all) await put(store, chunk);
    for (const chunk of all) await store.delete(chunk.id, 1);
    for (const chunk of others) await put(store, chunk);
    for (const chunk of others) await store.delete(chunk.id, 1);
    await compactAll(store);
    expect(segmentsOf(disk).length).toBe(1);
    const again = await open(disk.crash());
    expect(again.list(undefined, 100), `seed ${seed}`).toEqual([]);
  }
});

test("readers are not disturbed by compaction", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const all = chunks(60);
  for (const chunk of all) await put(store, chunk);
  for (const chunk of all.slice(0, 30)) await store.delete(chunk.id, 1);
  let isDone = false;
  const compaction = compactAll(store).then(() => {
    isDone = true;
  });
  let readCount = 0;
  while (!isDone) {
    for (const chunk of all.slice(30)) expect(await read(store, chunk)).toBe(true);
    readCount += 30;
  }
  await compaction;
  expect(readCount).toBeGreaterThanOrEqual(30);
  for (const chunk of all.slice(30)) expect(await read(store, chunk)).toBe(true);
});

test("a copy whose head rotted is set aside when its segment is compacted", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const all = chunks(12);
  for (const chunk of all) await put(store, chunk);
  const [path = ""] = segmentsOf(disk);
  const [first, second, third] = all as [SampleChunk, SampleChunk, SampleChunk];
  disk.flipBit(path, (SEGMENT_HEADER_BYTES + 20) * 8);
  await expect(read(store, first)).rejects.toMatchObject({ reason: "chunkCorrupt" });
  await store.delete(second.id, 1);
  await compactAll(store);
  expect(store.info(first.id)).toBeUndefined();
  expect(await read(store, third)).toBe(true);
  expect(
    disk.paths().some((name) => name.includes(`/quarantine/`) && name.endsWith(first.id)),
  ).toBe(true);
});

for (const code of ["EACCES", "EMFILE"] as const) {
  test(`a copy that ${code} keeps from being read, or from being kept aside, is not given up`, async () => {
    const disk = await diskForStore(1);
    const first = await open(disk);
    const chunk = sampleChunk(3000);
    await put(first, chunk);
    await first.close();
    const store = await open(disk);
    const failed = { reason: "storeFailed" };
    const healSegments = disk.fail({ code, operations: ["open"], path: /\.segment$/u });
    await expect(store.verify(chunk.id, never)).rejects.toMatchObject(failed);
    healSegments();
    expect(await store.verify(chunk.id, never)).toBe("intact");
    const [path = ""] = segmentsOf(disk);
    disk.flipBit(path, (SEGMENT_HEADER_BYTES + headBytesOf(3000) + 20) * 8);
    const healAside = disk.fail({ code, operations: ["open"], path: /\/quarantine\//u });
    await expect(store.verify(chunk.id, never)).rejects.toMatchObject(failed);
    expect(store.info(chunk.id)).toBeDefined();
    healAside();
    expect(await store.verify(chunk.id, never)).toBe("corrupt");
    expect(store.info(chunk.id)).toBeUndefined();
    expect(disk.paths().filter((name) => name.includes("/quarantine/")).length).toBe(1);
  });
}

test("a copy that the disk cannot read goes, and so does a corrupt one on a full disk", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk);
  const [unreadable, rotten] = chunks(2) as [SampleChunk, SampleChunk];
  await put(store, unreadable);
  await put(store, rotten);
  const heal = disk.fail({ code: "EIO", operations: ["read"] });
  expect(await store.verify(unreadable.id, never)).toBe("corrupt");
  heal();
  const [path = ""] = segmentsOf(disk);
  const at = SEGMENT_HEADER_BYTES + recordBytesOf(3000) + headBytesOf(3000);
  disk.flipBit(path, (at + 20) * 8);
  disk.limit(2 ** 40 - (await disk.space("/")).availableBytes);
  expect(await store.verify(rotten.id, never)).toBe("corrupt");
  expect(store.list(undefined, 10)).toEqual([]);
});

test("a write that failed leaves nothing, and the log goes on after it", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk, {});
  const [first, second, third] = chunks(3) as [SampleChunk, SampleChunk, SampleChunk];
  await put(store, first);
  const heal = disk.fail({ code: "EIO", operations: ["sync"] });
  await expect(put(store, second)).rejects.toMatchObject({ reason: "storeFailed" });
  expect(store.info(second.id)).toBeUndefined();
  // What is known may not be what is on the disk: nobody is told that it is.
  await expect(store.delete(second.id, 1)).rejects.toMatchObject({ reason: "storeFailed" });
  await expect(store.claim(first.id, 1)).rejects.toMatchObject({ reason: "storeFailed" });
  heal();
  expect(await store.delete(second.id, 1)).toBe(true);
  await put(store, third);
  const again = await open(disk.crash(), {});
  expect(again.list(undefined, 10).map((info) => info.id)).toEqual([first.id, third.id].sort());
});

test("a range is read with the checksums of its blocks only", async () => {
  const disk = await diskForStore(1);
  const store = await open(disk, {});
  const chunk = sampleChunk(5 * BLOCK_BYTES + 9);
  await put(store, chunk);
  const range = { offsetBytes: 3 * BLOCK_BYTES + 5, lengthBytes: BLOCK_BYTES };
  const { firstBlock, endBlock } = blocksOf(chunk.bytes.byteLength, range);
  for await (const piece of store.read(chunk.id, range)) {
    expect(piece.blockChecksums).toEqual(
      pieceOf(chunk.bytes).blockChecksums.slice(firstBlock, endBlock),
    );
    expect(piece.data.byteLength).toBe(2 * BLOCK_BYTES);
  }
});
