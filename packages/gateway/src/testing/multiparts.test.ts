import type { CairnClient } from "@cairnfs/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayCluster } from "./gateway-cluster.ts";

const KIB = 1024;
const bucket = "bucket";

let cluster: GatewayCluster;
let client: CairnClient;

beforeAll(async () => {
  cluster = await GatewayCluster.open({
    datanodes: 3,
    coordinator: { defaultChunkSizeBytes: 64 * KIB },
  });
  client = cluster.client;
  await client.buckets.create(bucket);
});

afterAll(() => cluster[Symbol.asyncDispose]());

/** Bytes that are those of no other test. */
function bytesOf(name: string, sizeBytes: number): Buffer {
  const seed = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let state = seed;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

async function read(key: string, range: { offsetBytes?: number; lengthBytes?: number } = {}) {
  const opened = await client.objects.get(bucket, key);
  const parts: Uint8Array[] = [];
  for await (const part of opened.stream(range)) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

async function upload(key: string, contents: readonly Uint8Array[]) {
  const uploadId = await client.multiparts.create(bucket, key);
  const parts = await Promise.all(
    contents.map(async (content, at) => {
      const number = at + 1;
      const put = await client.multiparts.putPart(bucket, key, { uploadId, number }, content);
      return { number, contentId: put.contentId };
    }),
  );
  return { uploadId, parts, entry: await client.multiparts.complete(bucket, key, uploadId, parts) };
}

test("an object that was uploaded in parts reads as their bytes, from everywhere, at every door", async () => {
  const contents = [300 * KIB, 64 * KIB, 1, 0, 100 * KIB + 7].map((size, at) =>
    bytesOf(`part ${at}`, size),
  );
  const whole = Buffer.concat(contents);
  const { entry } = await upload("object", contents);
  expect(entry.sizeBytes).toBe(whole.byteLength);
  expect((await read("object")).equals(whole)).toBe(true);
  expect((await client.fs.readFile("/bucket/object")) as Buffer).toEqual(whole);
  for (const offsetBytes of [1, 300 * KIB - 3, 300 * KIB, 364 * KIB, 364 * KIB + 1]) {
    const lengthBytes = 70 * KIB;
    const range = await read("object", { offsetBytes, lengthBytes });
    expect(range.equals(whole.subarray(offsetBytes, offsetBytes + lengthBytes))).toBe(true);
  }
  // Parts of it, by their numbers.
  const { parts } = await client.multiparts.objectPartsPage(entry, { afterNumber: 1, limit: 2 });
  expect(
    parts.map(({ number, offsetBytes, sizeBytes }) => [number, offsetBytes, sizeBytes]),
  ).toEqual([
    [2, 300 * KIB, 64 * KIB],
    [3, 364 * KIB, 1],
  ]);
  // The other doors change it as they change any file.
  await client.append("/bucket/object", bytesOf("more", 10));
  expect((await read("object")).equals(Buffer.concat([whole, bytesOf("more", 10)]))).toBe(true);
  await client.truncate("/bucket/object", 310 * KIB);
  expect((await read("object")).equals(whole.subarray(0, 310 * KIB))).toBe(true);
});

test("what is said of a part is said when its bytes have been read, and nothing is there when that throws", async () => {
  const key = "said";
  const uploadId = await client.multiparts.create(bucket, key, {
    contentType: "text/plain",
    object: { owner: "somebody" },
  });
  const part = { uploadId, number: 1 };
  let isRead = false;
  async function* source() {
    yield bytesOf("said", 70 * KIB);
    isRead = true;
  }
  const put = await client.multiparts.putPart(bucket, key, part, source(), {
    sizeBytes: 70 * KIB,
    finish: () => {
      expect(isRead).toBe(true);
      return { md5: Buffer.alloc(16, 1) };
    },
  });
  const failing = client.multiparts.putPart(bucket, key, { uploadId, number: 2 }, "bytes", {
    finish: () => Promise.reject(new Error("bad digest")),
  });
  await expect(failing).rejects.toThrow("bad digest");
  const short = client.multiparts.putPart(bucket, key, { uploadId, number: 3 }, source(), {
    sizeBytes: 71 * KIB,
  });
  await expect(short).rejects.toMatchObject({ reason: "uploadMismatch" });
  const { upload: found, parts } = await client.multiparts.listPartsPage(bucket, key, uploadId);
  expect(found).toMatchObject({ contentType: "text/plain", object: { owner: "somebody" } });
  expect(parts).toMatchObject([{ number: 1, contentId: put.contentId, sizeBytes: 70 * KIB }]);
  expect(Buffer.from(parts[0]?.object.md5 ?? [])).toEqual(Buffer.alloc(16, 1));
  const { items } = await client.multiparts.listPage(bucket, { prefix: "sa" });
  expect(items).toMatchObject([{ kind: "upload", key, upload: { uploadId } }]);
  await client.multiparts.abort(bucket, key, uploadId);
  expect((await client.multiparts.listPage(bucket, { prefix: "sa" })).items).toEqual([]);
  const unknown = client.multiparts.putPart(bucket, key, part, "late");
  await expect(unknown).rejects.toMatchObject({ reason: "uploadNotFound" });
});

test("completed twice it is one object, known by its upload", async () => {
  const { uploadId, parts, entry } = await upload("twice", [bytesOf("twice", 10)]);
  expect(await client.multiparts.complete(bucket, "twice", uploadId, parts)).toEqual(entry);
  const { completed } = await client.multiparts.stat(bucket, "twice", uploadId);
  expect(completed?.inodeId).toBe(entry.inodeId);
});

test("whole objects become parts without their bytes", async () => {
  const content = bytesOf("source", 90 * KIB);
  const { entry: source } = await client.objects.put(bucket, "source", content);
  const uploadId = await client.multiparts.create(bucket, "copied");
  const from = { bucket, key: "source", inodeId: source.inodeId };
  const named = await Promise.all(
    [1, 2].map((number) =>
      client.multiparts.copyPart(bucket, "copied", { uploadId, number }, from),
    ),
  );
  await client.multiparts.complete(bucket, "copied", uploadId, named);
  expect((await read("copied")).equals(Buffer.concat([content, content]))).toBe(true);
});

test("an object grows from nothing by what is appended, whatever its size", async () => {
  let whole: Buffer = Buffer.alloc(0);
  await client.objects.put(bucket, "log", whole, { contentType: "text/x-log" });
  for (const [at, size] of [10, 100, 5_000, 1, 200 * KIB, 0, 40].entries()) {
    const more = bytesOf(`log ${at}`, size);
    const { entry } = await client.objects.put(bucket, "log", more, {
      appendAt: whole.byteLength,
      object: { md5: Buffer.alloc(16, at) },
    });
    whole = Buffer.concat([whole, more]);
    expect(entry).toMatchObject({ sizeBytes: whole.byteLength, contentType: "text/x-log" });
    expect((await read("log")).equals(whole)).toBe(true);
  }
  for (const appendAt of [3, whole.byteLength + 1]) {
    const other = client.objects.put(bucket, "log", "x", { appendAt });
    await expect(other).rejects.toMatchObject({ reason: "preconditionFailed" });
  }
  expect(await findings()).toEqual([]);
});

async function findings(): Promise<string[]> {
  const found: string[] = [];
  for await (const event of client.check()) {
    if (event.type === "finding") found.push(JSON.stringify(event));
  }
  return found;
}
