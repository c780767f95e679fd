import { CairnError } from "@cairnfs/base/errors";
import { expect, test } from "vitest";
import { readCounters } from "../counters.ts";
import { contentParts } from "../keyspace.ts";
import { chunkOf } from "../namespace/testing/fake-nodes.ts";
import { multipartParts, multiparts } from "./multipart-tables.ts";
import { KIB_64, MultipartBucket, placed } from "./testing/multipart-bucket.ts";

const bucket = "bucket";
const key = "key";
const DAY_MS = 86_400_000;

const A = [chunkOf("a1"), chunkOf("a2")];
const B = [chunkOf("b1"), chunkOf("b2", 1_000)];
const C = [chunkOf("c", 10)];

test("an upload becomes the object of its parts in the order of their numbers", async () => {
  await using b = await MultipartBucket.open();
  const attributes = { contentType: "text/plain" };
  const object = { owner: "u", tags: { t: "1" } };
  const { uploadId } = await b.ns.multiparts("createMultipart", {
    bucket,
    key,
    attributes,
    object,
    owner: "o",
    initiator: "i",
  });
  const third = await b.putPart(uploadId, 3, C);
  const first = await b.putPart(uploadId, 1, A);
  const second = await b.putPart(uploadId, 2, B);
  expect(await b.ns.names("/bucket")).toEqual([]);
  const listed = await b.ns.multiparts("listParts", { bucket, key, uploadId });
  expect(listed.upload).toMatchObject({
    bucket,
    key,
    owner: "o",
    initiator: "i",
    object,
    attributes,
  });
  expect(listed.parts.map((part) => [part.number, part.contentId, Number(part.sizeBytes)])).toEqual(
    [
      [1, first, 2 * KIB_64],
      [2, second, KIB_64 + 1_000],
      [3, third, 10],
    ],
  );
  expect(await b.ns.violations()).toEqual([]);

  const { entry } = await b.complete(uploadId, [
    [1, first],
    [2, second],
    [3, third],
  ]);
  expect(entry).toMatchObject({
    name: key,
    sizeBytes: BigInt(3 * KIB_64 + 1_010),
    chunkCount: 5n,
    contentType: "text/plain",
    object,
  });
  expect(await b.chunksOf(key)).toEqual(placed(A, B, C));
  expect(await b.chunksOf(key, 1)).toEqual(placed(A, B, C));
  expect(await b.chunksOf(key, 3)).toEqual(placed(A, B, C));
  expect(await b.ns.violations()).toEqual([]);
});

test("what is read from an offset begins with the chunk that holds it, in whatever part", async () => {
  await using b = await MultipartBucket.open();
  const { contentId } = await b.upload(key, [A, B, [], C]);
  const all = placed(A, B, C);
  for (const [at, [, start]] of all.entries()) {
    const end = all[at + 1]?.[1] ?? 3 * KIB_64 + 1_010;
    for (const offset of [start, start + 1, end - 1]) {
      const page = await b.ns.call("getChunkMap", { contentId, offsetBytes: BigInt(offset) });
      expect(page.chunks.map((chunk) => Number(chunk.offsetBytes))).toEqual(
        all.slice(at).map(([, from]) => from),
      );
    }
  }
  const past = { contentId, offsetBytes: BigInt(3 * KIB_64 + 1_010) };
  expect((await b.ns.call("getChunkMap", past)).chunks).toEqual([]);
});

test("completing again gives the same answer for a day, whatever became of the object", async () => {
  await using b = await MultipartBucket.open();
  const uploadId = await b.create();
  const parts = [[1, await b.putPart(uploadId, 1, A)]] as const;
  const [first, twin] = await Promise.all([
    b.complete(uploadId, parts),
    b.complete(uploadId, parts),
  ]);
  expect(twin).toEqual(first);
  await b.ns.put("/bucket/key", "other");
  expect(await b.complete(uploadId, parts)).toEqual(first);
  const stat = await b.ns.multiparts("statMultipart", { bucket, key, uploadId });
  expect(stat.completed).toEqual(first.entry);
  await expect(b.ns.multiparts("listParts", { bucket, key, uploadId })).rejects.toMatchObject({
    reason: "uploadNotFound",
  });
  await b.ns.clock.advance(DAY_MS);
  await b.ns.runAll();
  await expect(b.complete(uploadId, parts)).rejects.toMatchObject({ reason: "uploadNotFound" });
  expect(await b.ns.violations()).toEqual([]);
});

test("attempts of one completion are answered alike, even when the bucket has another name since", async () => {
  await using b = await MultipartBucket.open();
  const uploadId = await b.create();
  const parts = [{ number: 1, contentId: await b.putPart(uploadId, 1, A) }];
  const attempt = () =>
    b.ns.multiparts("completeMultipart", { bucket, key, uploadId, parts }, "ab".repeat(24));
  const first = await attempt();
  await b.ns.call("rename", { source: "/bucket", target: "/other" });
  expect(await attempt()).toEqual(first);
});

test("a part that is uploaded again takes the place of the earlier one, and the object is of the one named", async () => {
  await using b = await MultipartBucket.open();
  const uploadId = await b.create();
  const old = await b.putPart(uploadId, 1, A);
  const again = await b.putPart(uploadId, 1, B);
  expect(again).not.toBe(old);
  await expect(b.complete(uploadId, [[1, old]])).rejects.toMatchObject({
    reason: "preconditionFailed",
  });
  await b.complete(uploadId, [[1, again]]);
  expect(await b.chunksOf(key)).toEqual(placed(B));
  await b.ns.runAll();
  expect(await b.ns.kv.read(readCounters)).toMatchObject({ chunks: 2, garbageChunks: 2 });
  expect(await b.ns.violations()).toEqual([]);
});

test("parts that are not named are let go when the upload completes", async () => {
  await using b = await MultipartBucket.open();
  const uploadId = await b.create();
  await b.putPart(uploadId, 1, A);
  const second = await b.putPart(uploadId, 2, B);
  await b.putPart(uploadId, 7, C);
  await b.complete(uploadId, [[2, second]]);
  expect(await b.ns.violations()).toEqual([]);
  await b.ns.runAll();
  expect(await b.ns.kv.read((reader) => multipartParts.page(reader, { limit: 9 }))).toEqual([]);
  expect(await b.ns.kv.read(readCounters)).toMatchObject({ chunks: 2 });
  expect(await b.ns.violations()).toEqual([]);
});

test.each([
  ["no parts", []],
  ["a number twice", [1, 1]],
  ["numbers that descend", [2, 1]],
])("%s complete nothing", async (_, numbers) => {
  await using b = await MultipartBucket.open();
  const uploadId = await b.create();
  const ids = new Map<number, bigint>();
  for (const number of [1, 2]) ids.set(number, await b.putPart(uploadId, number, A));
  const parts = numbers.map((number) => [number, ids.get(number) ?? 0n] as const);
  await expect(b.complete(uploadId, parts)).rejects.toMatchObject({ reason: "invalidArgument" });
  const missing = b.complete(uploadId, [[3, ids.get(1) ?? 0n]]);
  await expect(missing).rejects.toMatchObject({ reason: "preconditionFailed" });
  expect(await b.ns.violations()).toEqual([]);
});

test("an aborted upload is unknown, and its parts become garbage", async () => {
  await using b = await MultipartBucket.open();
  const uploadId = await b.create();
  const first = await b.putPart(uploadId, 1, A);
  const commit = await b.beginPart(uploadId, 2, B);
  await b.ns.multiparts("abortMultipart", { bucket, key, uploadId });
  expect(await b.ns.violations()).toEqual([]);
  const unknown = { reason: "uploadNotFound" };
  await expect(b.ns.call("commitUpload", commit)).rejects.toMatchObject(unknown);
  await expect(b.complete(uploadId, [[1, first]])).rejects.toMatchObject(unknown);
  await expect(b.beginPart(uploadId, 1, A)).rejects.toMatchObject(unknown);
  const again = b.ns.multiparts("abortMultipart", { bucket, key, uploadId });
  await expect(again).rejects.toMatchObject(unknown);
  await b.ns.call("abortUpload", { sessionId: commit.sessionId });
  await b.ns.runAll();
  expect(await b.ns.kv.read(readCounters)).toMatchObject({ chunks: 0, openUploads: 0 });
  expect(await b.ns.kv.read((reader) => multiparts.page(reader, { limit: 9 }))).toEqual([]);
  expect(await b.ns.violations()).toEqual([]);
});

test("an upload is known by its bucket, its key and its id, all of them", async () => {
  await using b = await MultipartBucket.open();
  await b.ns.bucket("createBucket", { name: "other" });
  const uploadId = await b.create();
  const forged = Buffer.from(uploadId);
  forged[15] = (forged[15] ?? 0) ^ 1;
  const stat = (name: { bucket: string; key: string; uploadId: Uint8Array }) =>
    b.ns.multiparts("statMultipart", name);
  await stat({ bucket, key, uploadId });
  for (const name of [
    { bucket: "other", key, uploadId },
    { bucket, key: "key2", uploadId },
    { bucket, key, uploadId: forged },
    { bucket, key, uploadId: Buffer.alloc(16, 0xff) },
    { bucket, key, uploadId: Buffer.alloc(3) },
  ]) {
    await expect(stat(name)).rejects.toMatchObject({ reason: "uploadNotFound" });
  }
  await expect(stat({ bucket: "missing", key, uploadId })).rejects.toMatchObject({
    reason: "pathNotFound",
  });
});

test("of a bucket that is removed the uploads are let go", async () => {
  await using b = await MultipartBucket.open();
  const one = await b.create();
  await b.putPart(one, 1, A);
  await b.create("deep/key");
  await b.ns.bucket("removeBucket", { name: "bucket" });
  await b.ns.runAll();
  expect(await b.ns.kv.read((reader) => multiparts.page(reader, { limit: 9 }))).toEqual([]);
  expect(await b.ns.kv.read(readCounters)).toMatchObject({ chunks: 0 });
  expect(await b.ns.violations()).toEqual([]);
});

test("of completions, parts and aborts at once some order explains what is left", async () => {
  await using b = await MultipartBucket.open();
  for (let round = 0; round < 20; round++) {
    const uploadId = await b.create();
    const first = await b.putPart(uploadId, 1, A);
    const again = await b.beginPart(uploadId, 1, B);
    const acts: (() => Promise<unknown>)[] = [
      () => b.complete(uploadId, [[1, first]]),
      () => b.ns.call("commitUpload", again),
      () => b.ns.multiparts("abortMultipart", { bucket, key, uploadId }),
      () => b.complete(uploadId, [[1, first]]),
    ];
    const order = acts.slice(round % 4).concat(acts.slice(0, round % 4));
    const outcomes = await Promise.allSettled(order.map((act) => act()));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(CairnError);
    }
    expect(await b.ns.violations()).toEqual([]);
  }
  await b.ns.runAll();
  expect(await b.ns.violations()).toEqual([]);
});

test("of a completion and a put that must not find an object, one is refused", async () => {
  await using b = await MultipartBucket.open();
  const precondition = { condition: { case: "mustNotExist" as const, value: true } };
  const uploadId = await b.create();
  const contentId = await b.putPart(uploadId, 1, A);
  const outcomes = await Promise.allSettled([
    b.ns.multiparts("completeMultipart", {
      bucket,
      key,
      uploadId,
      parts: [{ number: 1, contentId }],
      precondition,
    }),
    b.ns.call("putFile", { path: "/bucket/key", object: {}, inlineBytes: C_BYTES, precondition }),
  ]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  // The parts are still there, for another try.
  await b.complete(uploadId, [[1, contentId]]);
  expect(await b.chunksOf(key)).toEqual(placed(A));
  await b.ns.runAll();
  expect(await b.ns.violations()).toEqual([]);
});

const C_BYTES = Buffer.from("c");

test("copies share a composite, which goes with the last of them, in bounded steps", async () => {
  await using b = await MultipartBucket.open();
  const { contentId } = await b.upload(key, [A, B, C]);
  await b.ns.call("copy", { source: "/bucket/key", target: "/bucket/copy" });
  await b.ns.call("remove", { path: "/bucket/key" });
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await b.ns.runAll();
  expect(await b.chunksOf("copy")).toEqual(placed(A, B, C));
  await b.ns.call("remove", { path: "/bucket/copy" });
  expect((await b.ns.call("getChunkMap", { contentId })).chunks).toHaveLength(5);
  await b.ns.clock.advance(b.ns.settings.contentGraceMs);
  await expect(b.ns.call("getChunkMap", { contentId })).rejects.toMatchObject({
    reason: "contentNotFound",
  });
  await b.ns.runAll();
  expect(await b.ns.kv.read((reader) => contentParts.page(reader, { limit: 9 }))).toEqual([]);
  expect(await b.ns.kv.read(readCounters)).toMatchObject({ chunks: 0, logicalBytes: 0 });
  expect(await b.ns.violations()).toEqual([]);
});

test("a part of an object is found by its number, whichever numbers there are", async () => {
  await using b = await MultipartBucket.open({ settings: { defaultReplicationFactor: 1 } });
  const uploadId = await b.create();
  const numbers = [1, 2, 5, 6, 7, 100, 101, 9_999, 10_000];
  const parts: (readonly [number, bigint])[] = [];
  for (const number of numbers) {
    // Some are empty, in the middle and at the end.
    const chunks = number % 5 === 0 ? [] : [chunkOf(`p${number}`, number)];
    parts.push([number, await b.putPart(uploadId, number, chunks)]);
  }
  const { entry } = await b.complete(uploadId, parts);
  const contentId = entry?.contentId ?? 0n;
  for (const afterNumber of [0, 1, 2, 3, 4, 5, 6, 99, 100, 5_000, 9_998, 9_999, 10_000]) {
    const limit = 2;
    const page = await b.ns.multiparts("getContentParts", { contentId, afterNumber, limit });
    const wanted = numbers.filter((number) => number > afterNumber);
    expect(page.parts.map((part) => part.number)).toEqual(wanted.slice(0, 2));
    expect(page.isTruncated).toBe(wanted.length > 2);
    for (const part of page.parts)
      expect(part.object?.md5).toEqual(new Uint8Array(16).fill(part.number));
  }
  const all = await b.ns.multiparts("getContentParts", { contentId });
  let offset = 0n;
  for (const part of all.parts) {
    expect(part.offsetBytes).toBe(offset);
    offset += part.sizeBytes;
  }
  expect(offset).toBe(entry?.sizeBytes);
});
