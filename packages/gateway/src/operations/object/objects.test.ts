import { createHash } from "node:crypto";
import { Prng } from "@cairnfs/base/random";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayCluster } from "../../testing/gateway-cluster.ts";
import type { TestS3 } from "../../testing/test-s3.ts";

let cluster: GatewayCluster;
let s3: TestS3;

beforeAll(async () => {
  cluster = await GatewayCluster.open({ datanodes: 2 });
  s3 = cluster.s3;
  await s3.put("/box");
  await s3.put("/kept");
});
afterAll(() => cluster[Symbol.asyncDispose]());

const md5 = (bytes: string | Uint8Array) => createHash("md5").update(bytes).digest("hex");

test("an object of any size comes back as it was put, with its MD5 as ETag", async () => {
  const random = new Prng(3);
  for (const sizeBytes of [0, 1, 4096, 4097, 70_000, 1_048_577, 9_000_000]) {
    const bytes = random.bytes(sizeBytes);
    const put = await s3.put(`/box/of/${sizeBytes}`, bytes);
    expect(put).toMatchObject({ status: 200 });
    expect(put.headers.etag).toBe(`"${md5(bytes)}"`);
    const got = await s3.get(`/box/of/${sizeBytes}`);
    expect(got.status).toBe(200);
    expect(got.bytes.equals(bytes)).toBe(true);
    expect(got.headers).toMatchObject({
      etag: put.headers.etag,
      "content-length": String(sizeBytes),
      "content-type": "binary/octet-stream",
      "accept-ranges": "bytes",
    });
    const head = await s3.head(`/box/of/${sizeBytes}`);
    expect(head.headers["content-length"]).toBe(String(sizeBytes));
    expect(head.bytes.byteLength).toBe(0);
  }
});

test("what was meant for a part or a version does not replace an object", async () => {
  await s3.put("/box/stray", "kept");
  for (const name of ["partNumber", "versionId"]) {
    const refused = await s3.put("/box/stray", "other", { query: { [name]: "1" } });
    expect(refused).toMatchObject({ status: 400, code: "InvalidArgument" });
  }
  expect(await s3.put("/box/stray", "other", { query: { uploadId: "1" } })).toMatchObject({
    status: 405,
  });
  expect((await s3.get("/box/stray")).text).toBe("kept");
});

test("what S3 writes the SDK reads, and the other way round", async () => {
  await s3.put("/box/from-s3.txt", "by S3");
  expect(Buffer.from(await cluster.client.getBytes("/box/from-s3.txt")).toString()).toBe("by S3");
  await cluster.client.put("/box/from-sdk.txt", "by the SDK", { userMetadata: { wo: "größe ✓" } });
  const got = await s3.get("/box/from-sdk.txt");
  expect(got.text).toBe("by the SDK");
  expect(got.headers.etag).toMatch(/^"[0-9a-f]{32}-1"$/u);
  expect(got.headers["x-amz-meta-wo"]).toMatch(/^=\?UTF-8\?B\?/u);
});

test("keys that differ in slashes are different objects", async () => {
  for (const key of ["a", "a/", "a/b", "a//b", "/a", "ümläut ✓/%2F+ "]) {
    await s3.put(`/kept/${key}`, `at ${key}`);
  }
  for (const key of ["a", "a/", "a/b", "a//b", "/a", "ümläut ✓/%2F+ "]) {
    expect((await s3.get(`/kept/${key}`)).text).toBe(`at ${key}`);
  }
});

test("what is said of an object comes back", async () => {
  const headers = {
    "content-type": "text/x-test",
    "cache-control": "no-store",
    "content-disposition": "attachment",
    "content-encoding": "gzip",
    "content-language": "de",
    expires: "Thu, 01 Jan 2032 00:00:00 GMT",
    "x-amz-meta-one": "1",
    "x-amz-meta-two": "zwei",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "x-amz-website-redirect-location": "/else",
    "x-amz-tagging": "a=b&c=d",
  };
  await s3.put("/box/said", "x", { headers });
  const { "x-amz-tagging": _, ...kept } = headers;
  expect((await s3.head("/box/said")).headers).toMatchObject({
    ...kept,
    "x-amz-tagging-count": "2",
  });
  const overridden = await s3.get("/box/said", {
    query: { "response-content-type": "a/b", "response-expires": "never" },
  });
  expect(overridden.headers).toMatchObject({ "content-type": "a/b", expires: "never" });
});

test("what replies are to say may be any text that headers can have", async () => {
  await s3.put("/box/named", "x");
  const named = (value: string) =>
    s3.get("/box/named", { query: { "response-content-disposition": value } });
  const reply = await named('attachment; filename="größe 文.txt"');
  const header = Buffer.from(String(reply.headers["content-disposition"]), "latin1").toString();
  expect(header).toBe('attachment; filename="größe 文.txt"');
  expect(await named("a\r\nx-amz-meta-b: c")).toMatchObject({
    status: 400,
    code: "InvalidArgument",
  });
});

test("what headers say that is too much or makes no sense is refused", async () => {
  const put = (headers: Record<string, string>) => s3.put("/box/refused", "x", { headers });
  expect(await put({ "x-amz-meta-big": "x".repeat(2100) })).toMatchObject({
    status: 400,
    code: "MetadataTooLarge",
  });
  expect(await put({ "x-amz-storage-class": "COLD" })).toMatchObject({
    code: "InvalidStorageClass",
  });
  expect(await put({ "x-amz-website-redirect-location": "else" })).toMatchObject({
    code: "InvalidRedirectLocation",
  });
  expect(await s3.put(`/box/${"k".repeat(1025)}`, "x")).toMatchObject({ code: "KeyTooLongError" });
  expect(await s3.head("/box/refused")).toMatchObject({ status: 404 });
});

test("ranges are answered as S3 answers them", async () => {
  await s3.put("/box/range", "0123456789");
  const range = (value: string) => s3.get("/box/range", { headers: { range: value } });
  const part = await range("bytes=2-4");
  expect(part).toMatchObject({ status: 206, text: "234" });
  expect(part.headers["content-range"]).toBe("bytes 2-4/10");
  expect(await range("bytes=7-")).toMatchObject({ status: 206, text: "789" });
  expect(await range("bytes=-3")).toMatchObject({ status: 206, text: "789" });
  expect(await range("bytes=-30")).toMatchObject({ status: 206, text: "0123456789" });
  expect(await range("bytes=8-99")).toMatchObject({ status: 206, text: "89" });
  expect(await range("bytes=10-")).toMatchObject({ status: 416, code: "InvalidRange" });
  expect(await range("bytes=-0")).toMatchObject({ status: 416, code: "InvalidRange" });
  expect(await range("bytes=4-2")).toMatchObject({ status: 200, text: "0123456789" });
  expect(await range("bytes=0-1,4-5")).toMatchObject({ status: 200, text: "0123456789" });
  expect(await range("lines=1-2")).toMatchObject({ status: 200 });
  expect(await range("bytes= 1-2")).toMatchObject({ status: 200 });
  await s3.put("/box/empty", "");
  const empty = await s3.get("/box/empty", { headers: { range: "bytes=0-" } });
  expect(empty).toMatchObject({ status: 416, code: "InvalidRange" });
  expect(await s3.get("/box/empty", { headers: { range: "bytes=-5" } })).toMatchObject({
    status: 200,
  });
});

test("a range of a large object is that range", async () => {
  const bytes = new Prng(9).bytes(20_000_000);
  await s3.put("/box/large", bytes);
  for (const [first, last] of [
    [0, 0],
    [8_388_607, 8_388_608],
    [19_999_999, 19_999_999],
    [1_234_567, 17_654_321],
  ] as const) {
    const got = await s3.get("/box/large", { headers: { range: `bytes=${first}-${last}` } });
    expect(got.bytes.equals(bytes.subarray(first, last + 1))).toBe(true);
  }
});

test("conditions of readers are kept in HTTP's order", async () => {
  const put = await s3.put("/box/condition", "x");
  const etag = String(put.headers.etag);
  const get = async (headers: Record<string, string>) =>
    (await s3.get("/box/condition", { headers })).status;
  const past = "Sat, 01 Jan 2000 00:00:00 GMT";
  const future = "Fri, 01 Jan 2100 00:00:00 GMT";
  expect(await get({ "if-match": etag })).toBe(200);
  expect(await get({ "if-match": '"no"' })).toBe(412);
  expect(await get({ "if-none-match": etag })).toBe(304);
  expect(await get({ "if-none-match": '"no"' })).toBe(200);
  expect(await get({ "if-modified-since": past })).toBe(200);
  expect(await get({ "if-modified-since": future })).toBe(304);
  expect(await get({ "if-unmodified-since": past })).toBe(412);
  expect(await get({ "if-match": etag, "if-unmodified-since": past })).toBe(200);
  expect(await get({ "if-none-match": '"no"', "if-modified-since": future })).toBe(200);
  const unchanged = await s3.get("/box/condition", { headers: { "if-none-match": etag } });
  expect(unchanged.headers.etag).toBe(etag);
});

test("a conditional write makes an object, or changes the one it names, and nothing else", async () => {
  const put = (key: string, headers: Record<string, string>) => s3.put(key, "x", { headers });
  expect(await put("/box/once", { "if-none-match": "*" })).toMatchObject({ status: 200 });
  expect(await put("/box/once", { "if-none-match": "*" })).toMatchObject({
    status: 412,
    code: "PreconditionFailed",
  });
  expect(await put("/box/nowhere", { "if-match": '"no"' })).toMatchObject({
    status: 404,
    code: "NoSuchKey",
  });
  const { headers } = await s3.head("/box/once");
  expect(await put("/box/once", { "if-match": '"no"' })).toMatchObject({ status: 412 });
  expect(await put("/box/once", { "if-match": String(headers.etag) })).toMatchObject({
    status: 200,
  });
});

test("of many who make an object at once exactly one does", async () => {
  const tried = await Promise.all(
    Array.from({ length: 8 }, (_, at) =>
      s3.put("/box/raced", `from ${at}`, { headers: { "if-none-match": "*" } }),
    ),
  );
  const won = tried.filter(({ status }) => status === 200);
  expect(won).toHaveLength(1);
  expect(tried.filter(({ status }) => status === 412)).toHaveLength(7);
});

test("what is removed is gone, and removing what is not there is no error", async () => {
  await s3.put("/box/gone", "x");
  expect(await s3.delete("/box/gone")).toMatchObject({ status: 204 });
  expect(await s3.get("/box/gone")).toMatchObject({ status: 404, code: "NoSuchKey" });
  expect(await s3.delete("/box/gone")).toMatchObject({ status: 204 });
  expect(await s3.get("/nobucket/x")).toMatchObject({ status: 404, code: "NoSuchBucket" });
  expect(await s3.put("/nobucket/x", "x")).toMatchObject({ status: 404, code: "NoSuchBucket" });
  expect(await s3.delete("/nobucket/x")).toMatchObject({ status: 404, code: "NoSuchBucket" });
});

test("a payload that is not what the request says is refused and leaves nothing", async () => {
  const put = (headers: Record<string, string>) => s3.put("/box/bad", "payload", { headers });
  const base64 = (algorithm: string, text: string) =>
    createHash(algorithm).update(text).digest("base64");
  expect(await put({ "content-md5": base64("md5", "other") })).toMatchObject({
    status: 400,
    code: "BadDigest",
  });
  expect(await put({ "content-md5": "short" })).toMatchObject({ code: "InvalidDigest" });
  expect(await put({ "x-amz-checksum-sha256": base64("sha256", "other") })).toMatchObject({
    code: "BadDigest",
  });
  expect(await put({ "x-amz-checksum-crc32": "nonsense" })).toMatchObject({
    code: "InvalidRequest",
  });
  expect(await s3.head("/box/bad")).toMatchObject({ status: 404 });
  const good = await put({ "x-amz-checksum-sha256": base64("sha256", "payload") });
  expect(good.headers["x-amz-checksum-sha256"]).toBe(base64("sha256", "payload"));
  const head = await s3.head("/box/bad", { headers: { "x-amz-checksum-mode": "ENABLED" } });
  expect(head.headers["x-amz-checksum-sha256"]).toBe(base64("sha256", "payload"));
  expect(head.headers["x-amz-checksum-type"]).toBe("FULL_OBJECT");
});

test("an object in parts is read part by part, and encrypted ones each with their own key", async () => {
  const { client } = cluster;
  const uploadId = await client.multiparts.create("box", "in-parts");
  const sizes = [5_300_000, 1, 70_000];
  const contents = sizes.map((sizeBytes, at) => new Prng(at).bytes(sizeBytes));
  const done = [];
  for (const [at, bytes] of contents.entries()) {
    const part = { uploadId, number: at + 1 };
    const { contentId } = await client.multiparts.putPart("box", "in-parts", part, bytes);
    done.push({ number: at + 1, contentId });
  }
  const object = { md5: new Uint8Array(16).fill(7), partCount: 3 };
  await client.multiparts.complete("box", "in-parts", uploadId, done, { object });
  const whole = Buffer.concat(contents);
  const got = await s3.get("/box/in-parts");
  expect(got.headers.etag).toBe(`"${"07".repeat(16)}-3"`);
  expect(got.bytes.equals(whole)).toBe(true);
  const second = await s3.get("/box/in-parts", { query: { partNumber: "2" } });
  expect(second.status).toBe(206);
  expect(second.bytes.equals(contents[1] ?? new Uint8Array())).toBe(true);
  expect(second.headers).toMatchObject({
    "x-amz-mp-parts-count": "3",
    "content-range": `bytes 5300000-5300000/${whole.byteLength}`,
  });
  const head = await s3.head("/box/in-parts", { query: { partNumber: "3" } });
  expect(head.headers["content-length"]).toBe("70000");
  expect(await s3.get("/box/in-parts", { query: { partNumber: "4" } })).toMatchObject({
    status: 416,
    code: "InvalidPartNumber",
  });
  const both = { query: { partNumber: "1" }, headers: { range: "bytes=0-1" } };
  expect(await s3.get("/box/in-parts", both)).toMatchObject({ code: "InvalidRequest" });
});
test("versions are read and removed by their ids, and what was removed is a delete marker", async () => {
  await s3.put("/versions");
  const enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
  await s3.put("/versions", enabled, { query: { versioning: undefined } });
  const one = String((await s3.put("/versions/a", "one")).headers["x-amz-version-id"]);
  const two = String((await s3.put("/versions/a", "two")).headers["x-amz-version-id"]);
  const at = (versionId: string) => s3.get("/versions/a", { query: { versionId } });
  expect((await at(one)).text).toBe("one");
  expect((await at(two)).text).toBe("two");
  const removed = await s3.delete("/versions/a");
  expect(removed.headers["x-amz-delete-marker"]).toBe("true");
  const marker = String(removed.headers["x-amz-version-id"]);
  const gone = await s3.get("/versions/a");
  expect(gone).toMatchObject({ status: 404, code: "NoSuchKey" });
  expect(gone.headers).toMatchObject({
    "x-amz-delete-marker": "true",
    "x-amz-version-id": marker,
  });
  expect(await at(marker)).toMatchObject({ status: 405, code: "MethodNotAllowed" });
  expect(await at("nonsense")).toMatchObject({ status: 400, code: "InvalidArgument" });
  expect(await at("ffffffffffffffff")).toMatchObject({ status: 404, code: "NoSuchVersion" });
  const unhidden = await s3.delete("/versions/a", { query: { versionId: marker } });
  expect(unhidden.headers).toMatchObject({
    "x-amz-delete-marker": "true",
    "x-amz-version-id": marker,
  });
  expect((await s3.get("/versions/a")).text).toBe("two");
});
