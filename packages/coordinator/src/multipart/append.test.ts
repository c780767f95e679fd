import { Versioning } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { expect, test } from "vitest";
import { readCounters } from "../counters.ts";
import { contentParts } from "../keyspace.ts";
import { COMPOSITE_DEPTH_MAX } from "../namespace/content.ts";
import { chunkOf, type TestChunk } from "../namespace/testing/fake-nodes.ts";
import { MultipartBucket, placed } from "./testing/multipart-bucket.ts";

const bucket = "bucket";
const key = "key";

const A = [chunkOf("a1"), chunkOf("a2", 100)];
const B = [chunkOf("b", 50)];
const C = [chunkOf("c1"), chunkOf("c2", 7)];

const sizeOf = (...parts: readonly (readonly TestChunk[])[]) =>
  parts.flat().reduce((size, chunk) => size + chunk.lengthBytes, 0);

const partRows = (b: MultipartBucket) =>
  b.ns.kv.read((reader) => contentParts.page(reader, { limit: 100 }));

test("what is appended comes after what is there, and earlier readers see what they opened", async () => {
  await using b = await MultipartBucket.open();
  const { entry: first } = await b.ns.call("commitUpload", await b.begin(key, {}, A));
  const second = await b.append(key, sizeOf(A), B);
  const third = await b.append(key, sizeOf(A, B), C);
  expect(await b.chunksOf(key)).toEqual(placed(A, B, C));
  expect(third).toMatchObject({ sizeBytes: BigInt(sizeOf(A, B, C)), chunkCount: 5n });
  expect(new Set([first?.inodeId, second.inodeId, third.inodeId]).size).toBe(3);
  for (const [contentId, count] of [
    [first?.contentId ?? 0n, 2],
    [second.contentId, 3],
    [third.contentId, 5],
  ] as const) {
    const { chunks } = await b.ns.call("getChunkMap", { contentId });
    expect(chunks).toHaveLength(count);
  }
  expect(await b.ns.violations()).toEqual([]);
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  expect(await b.chunksOf(key)).toEqual(placed(A, B, C));
  expect(await b.ns.violations()).toEqual([]);
  await b.ns.call("remove", { path: "/bucket/key" });
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  expect(await partRows(b)).toEqual([]);
  expect(await b.ns.kv.read(readCounters)).toMatchObject({ chunks: 0, logicalBytes: 0 });
  expect(await b.ns.violations()).toEqual([]);
});

test("an append adds one row, however many there were before", async () => {
  await using b = await MultipartBucket.open();
  await b.upload(key, [A]);
  const all = [A];
  for (let at = 0; at < 20; at++) {
    const chunks = [chunkOf(`x${at}`, 10 + at)];
    await b.append(key, sizeOf(...all), chunks);
    all.push(chunks);
  }
  expect(await partRows(b)).toHaveLength(21);
  expect(await b.chunksOf(key, 7)).toEqual(placed(...all));
  const stat = await b.ns.objects("statObject", { bucket, key });
  const contentId = stat.entry?.contentId ?? 0n;
  const { parts } = await b.ns.multiparts("getContentParts", { contentId, afterNumber: 19 });
  expect(parts.map((part) => part.number)).toEqual([20, 21]);
  expect(await b.ns.violations()).toEqual([]);
});

test("what is appended to copies of one object does not mix", async () => {
  await using b = await MultipartBucket.open();
  await b.upload(key, [A]);
  await b.append(key, sizeOf(A), B);
  await b.ns.call("copy", { source: "/bucket/key", target: "/bucket/copy" });
  await b.append(key, sizeOf(A, B), C);
  await b.append("copy", sizeOf(A, B), A);
  await b.append("copy", sizeOf(A, B, A), C);
  expect(await b.chunksOf(key)).toEqual(placed(A, B, C));
  expect(await b.chunksOf("copy")).toEqual(placed(A, B, A, C));
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  expect(await b.ns.violations()).toEqual([]);
  await b.ns.call("remove", { path: "/bucket/key" });
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  expect(await b.chunksOf("copy")).toEqual(placed(A, B, A, C));
  expect(await b.ns.violations()).toEqual([]);
});

test("an append at another size, or to another object than was looked at, is refused", async () => {
  await using b = await MultipartBucket.open();
  await b.ns.call("commitUpload", await b.begin(key, {}, A));
  const failed = { reason: "preconditionFailed" };
  await expect(b.append(key, 3, B)).rejects.toMatchObject(failed);
  await expect(b.append("missing", 3, B)).rejects.toMatchObject(failed);
  const commits = await Promise.all(
    [B, C].map((chunks) => b.begin(key, { appendAt: BigInt(sizeOf(A)) }, chunks)),
  );
  const outcomes = await Promise.allSettled(
    commits.map((commit) => b.ns.call("commitUpload", commit)),
  );
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const { entry } = await b.ns.objects("statObject", { bucket, key });
  const version = { case: "inodeId" as const, value: (entry?.inodeId ?? 0n) - 1n };
  const other = b.ns.call("beginUpload", {
    path: "/bucket/key",
    object: { appendAt: entry?.sizeBytes ?? 0n },
    precondition: { condition: version },
  });
  await expect(other).rejects.toMatchObject(failed);
  expect(await b.ns.violations()).toEqual([]);
});

test("nothing can be appended to bytes that live in an inode, and nothing may be appended", async () => {
  await using b = await MultipartBucket.open();
  await b.ns.call("putFile", { path: "/bucket/key", object: {}, inlineBytes: Buffer.from("abc") });
  await expect(b.append(key, 3, B)).rejects.toMatchObject({ reason: "conflictingState" });
  await b.ns.call("putFile", { path: "/bucket/empty", object: {}, inlineBytes: Buffer.alloc(0) });
  await b.append("empty", 0, A);
  await b.append("empty", sizeOf(A), []);
  expect(await b.chunksOf("empty")).toEqual(placed(A));
  expect(await partRows(b)).toEqual([]);
  expect(await b.ns.violations()).toEqual([]);
});

test("who has opened an object reads on, also where a part that shared it goes after it", async () => {
  await using b = await MultipartBucket.open();
  const { entry } = await b.ns.call("commitUpload", await b.begin("plain", {}, A));
  const uploadId = await b.create();
  const source = { sourceBucket: bucket, sourceKey: "plain", sourceInodeId: 0n };
  await b.ns.multiparts("copyPart", { bucket, key, uploadId, partNumber: 1, ...source });
  await b.ns.call("remove", { path: "/bucket/plain" });
  await b.ns.multiparts("abortMultipart", { bucket, key, uploadId });
  await b.ns.runAll();
  const { chunks } = await b.ns.call("getChunkMap", { contentId: entry?.contentId ?? 0n });
  expect(chunks).toHaveLength(A.length);
  expect(await b.ns.violations()).toEqual([]);
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  expect(await b.ns.kv.read(readCounters)).toMatchObject({ chunks: 0 });
  expect(await b.ns.violations()).toEqual([]);
});

test("an object becomes a part without its bytes, and shares them", async () => {
  await using b = await MultipartBucket.open();
  await b.ns.call("commitUpload", await b.begin("plain", {}, A));
  const composite = await b.upload("composite", [B, C]);
  const uploadId = await b.create();
  const copy = async (partNumber: number, sourceKey: string, sourceInodeId = 0n) => {
    const source = { sourceBucket: bucket, sourceKey, sourceInodeId };
    const request = { bucket, key, uploadId, partNumber, ...source };
    const { part } = await b.ns.multiparts("copyPart", request);
    return [partNumber, part?.contentId ?? 0n] as const;
  };
  await expect(copy(1, "composite", 1n)).rejects.toMatchObject({ reason: "preconditionFailed" });
  await expect(copy(1, "missing")).rejects.toMatchObject({ reason: "pathNotFound" });
  await b.ns.call("putFile", { path: "/bucket/small", object: {}, inlineBytes: Buffer.from("x") });
  await expect(copy(1, "small")).rejects.toMatchObject({ reason: "conflictingState" });
  const parts = [
    await copy(1, "composite", composite.inodeId),
    await copy(2, "plain"),
    await copy(3, "composite"),
  ];
  // Uploaded again: the first loses its owner.
  parts[1] = await copy(2, "plain");
  await b.complete(uploadId, parts);
  expect(await b.chunksOf(key, 2)).toEqual(placed(B, C, A, B, C));
  await b.ns.call("remove", { path: "/bucket/composite" });
  await b.ns.call("remove", { path: "/bucket/plain" });
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  expect(await b.chunksOf(key)).toEqual(placed(B, C, A, B, C));
  expect(await b.ns.violations()).toEqual([]);
  await b.ns.call("remove", { path: "/bucket/key" });
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  expect(await partRows(b)).toEqual([]);
  expect(await b.ns.violations()).toEqual([]);
});

test("parts of parts of parts go so deep and no deeper", async () => {
  await using b = await MultipartBucket.open();
  await b.upload("0", [A]);
  const wrap = async (at: number) => {
    const name = { bucket, key: String(at) };
    const { uploadId } = await b.ns.multiparts("createMultipart", name);
    const { part } = await b.ns.multiparts("copyPart", {
      ...name,
      uploadId,
      partNumber: 1,
      sourceBucket: bucket,
      sourceKey: String(at - 1),
    });
    await b.complete(uploadId, [[1, part?.contentId ?? 0n]], name.key);
  };
  for (let at = 1; at < COMPOSITE_DEPTH_MAX; at++) await wrap(at);
  expect(await b.chunksOf(String(COMPOSITE_DEPTH_MAX - 1))).toEqual(placed(A));
  await expect(wrap(COMPOSITE_DEPTH_MAX)).rejects.toMatchObject({ reason: "conflictingState" });
  expect(await b.ns.violations()).toEqual([]);
});

test("a range that begins and ends where chunks do becomes a part that refers to them", async () => {
  await using b = await MultipartBucket.open();
  await b.ns.bucket("createBucket", { name: "other" });
  await b.upload("source", [A, B, C]);
  const { uploadId } = await b.ns.multiparts("createMultipart", { bucket: "other", key });
  const size = sizeOf(A, B, C);
  const copy = async (partNumber: number, offsetBytes: number, lengthBytes: number) => {
    const { part } = await b.ns.multiparts("copyPart", {
      bucket: "other",
      key,
      uploadId,
      partNumber,
      sourceBucket: bucket,
      sourceKey: "source",
      range: { offsetBytes: BigInt(offsetBytes), lengthBytes: BigInt(lengthBytes) },
    });
    return { number: partNumber, contentId: part?.contentId ?? 0n };
  };
  for (const [offset, length] of [
    [0, 1],
    [1, sizeOf(A) - 1],
    [sizeOf(A), sizeOf(B) + 1],
  ] as const) {
    await expect(copy(1, offset, length)).rejects.toMatchObject({ reason: "conflictingState" });
  }
  for (const [offset, length] of [
    [0, 0],
    [0, size + 1],
    [size, 1],
  ] as const) {
    await expect(copy(1, offset, length)).rejects.toMatchObject({ reason: "rangeNotSatisfiable" });
  }
  const parts = [
    await copy(1, sizeOf(A), sizeOf(B, C)),
    await copy(2, 0, sizeOf([A[0] ?? chunkOf("")])),
    await copy(3, 0, size),
  ];
  await b.ns.multiparts("completeMultipart", { bucket: "other", key, uploadId, parts });
  await b.ns.call("remove", { path: "/bucket/source" });
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  const opened = await b.ns.objects("openObject", { bucket: "other", key });
  expect(opened.chunks.map((chunk) => Number(chunk.offsetBytes))).toEqual(
    placed(B, C, A.slice(0, 1), A, B, C).map(([, offset]) => offset),
  );
  expect(await b.ns.violations()).toEqual([]);
  await b.ns.call("remove", { path: "/other/key" });
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  expect(await b.ns.kv.read(readCounters)).toMatchObject({ chunks: 0 });
  expect(await b.ns.violations()).toEqual([]);
});

test("in a bucket with versions a completion and an append make versions, and the old ones stay as they were", async () => {
  await using b = await MultipartBucket.open();
  await b.ns.bucket("setBucket", { name: bucket, versioning: Versioning.ENABLED });
  const first = await b.upload(key, [A, B]);
  const second = await b.append(key, sizeOf(A, B), C);
  const third = await b.upload(key, [C]);
  const ids = [first, second, third].map(({ versionId }) => versionId);
  expect(new Set(ids).size).toBe(3);
  const chunksOfVersion = async (versionId: string) => {
    const opened = await b.ns.objects("openObject", { bucket, key, versionId });
    return opened.chunks.length;
  };
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  expect(await Promise.all(ids.map(chunksOfVersion))).toEqual([3, 5, 2]);
  expect(await b.ns.violations()).toEqual([]);
  for (const versionId of [ids[0], ids[2]]) {
    await b.ns.objects("removeObject", { bucket, key, versionId: versionId ?? "" });
  }
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  expect(await b.chunksOf(key)).toEqual(placed(A, B, C));
  expect(await b.ns.violations()).toEqual([]);
});
