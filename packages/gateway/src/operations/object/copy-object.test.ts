import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayCluster } from "../../testing/gateway-cluster.ts";
import type { TestS3 } from "../../testing/test-s3.ts";
import { childText } from "../../xml/read.ts";

let cluster: GatewayCluster;
let s3: TestS3;

beforeAll(async () => {
  cluster = await GatewayCluster.open();
  ({ s3 } = cluster);
  await s3.put("/from");
  await s3.put("/into");
});

afterAll(() => cluster[Symbol.asyncDispose]());

type Headers = Readonly<Record<string, string>>;
const copy = (source: string, target: string, headers: Headers = {}) =>
  s3.put(target, "", { headers: { "x-amz-copy-source": encodeURI(source), ...headers } });
const md5 = (bytes: string | Uint8Array) => createHash("md5").update(bytes).digest("hex");
const customer = (fill: number, prefix = "x-amz-") => {
  const key = Buffer.alloc(32, fill);
  return {
    [`${prefix}server-side-encryption-customer-algorithm`]: "AES256",
    [`${prefix}server-side-encryption-customer-key`]: key.toString("base64"),
    [`${prefix}server-side-encryption-customer-key-md5`]: createHash("md5")
      .update(key)
      .digest("base64"),
  };
};

test("a copy is what its source is, said what its source is said, and of the same content", async () => {
  await s3.put("/from/a b+ü", "content", {
    headers: {
      "content-type": "text/x",
      "cache-control": "no-store",
      "x-amz-meta-k": "v",
      "x-amz-tagging": "t=1",
    },
  });
  const reply = await copy("/from/a b+ü", "/into/copy");
  expect(reply.status).toBe(200);
  expect(childText(reply.xml, "ETag")).toBe(`"${md5("content")}"`);
  const got = await s3.get("/into/copy");
  expect(got.text).toBe("content");
  expect(got.headers).toMatchObject({
    etag: `"${md5("content")}"`,
    "content-type": "text/x",
    "cache-control": "no-store",
    "x-amz-meta-k": "v",
    "x-amz-tagging-count": "1",
  });
  const ids = [];
  for (const [bucket, key] of [
    ["from", "a b+ü"],
    ["into", "copy"],
  ] as const) {
    ids.push((await cluster.client.objects.stat(bucket, key)).entry?.contentId);
  }
  expect(ids[0]).toBe(ids[1]);
});

test("what is said of a copy is replaced when that is asked for", async () => {
  await s3.put("/from/r", "x", {
    headers: { "content-type": "text/x", "x-amz-meta-old": "1", "x-amz-tagging": "old=1" },
  });
  await copy("/from/r", "/into/r", {
    "x-amz-metadata-directive": "REPLACE",
    "x-amz-meta-new": "2",
    "x-amz-tagging-directive": "REPLACE",
    "x-amz-tagging": "new=2&b=3",
  });
  const { headers } = await s3.head("/into/r");
  expect(headers).toMatchObject({ "x-amz-meta-new": "2", "x-amz-tagging-count": "2" });
  expect(headers["x-amz-meta-old"]).toBeUndefined();
  expect(headers["content-type"]).not.toBe("text/x");
  const wrong = await copy("/from/r", "/into/r", { "x-amz-metadata-directive": "MERGE" });
  expect(wrong).toMatchObject({ code: "InvalidArgument" });
});

test("an object is copied onto itself only to change what is said of it", async () => {
  await s3.put("/from/self", "x", { headers: { "x-amz-meta-a": "1" } });
  expect(await copy("/from/self", "/from/self")).toMatchObject({
    status: 400,
    code: "InvalidRequest",
  });
  const changed = await copy("/from/self", "/from/self", {
    "x-amz-metadata-directive": "REPLACE",
    "x-amz-meta-b": "2",
  });
  expect(changed.status).toBe(200);
  const { headers } = await s3.head("/from/self");
  expect(headers["x-amz-meta-b"]).toBe("2");
  expect(headers["x-amz-meta-a"]).toBeUndefined();
});

test("conditions on the source and on the target decide whether a copy is made", async () => {
  await s3.put("/from/c", "x");
  const etag = `"${md5("x")}"`;
  const code = async (headers: Headers) => (await copy("/from/c", "/into/c", headers)).code;
  const when = (name: string, value: string) => code({ [`x-amz-copy-source-if-${name}`]: value });
  expect(await when("match", '"other"')).toBe("PreconditionFailed");
  expect(await when("none-match", etag)).toBe("PreconditionFailed");
  expect(await when("unmodified-since", "Mon, 01 Jan 2001 00:00:00 GMT")).toBe(
    "PreconditionFailed",
  );
  expect(await when("match", etag)).toBeUndefined();
  expect(await code({ "if-none-match": "*" })).toBe("PreconditionFailed");
  expect(await code({ "if-match": etag })).toBeUndefined();
});

test("sources that are not there, or are named wrongly, are refused", async () => {
  const code = async (source: string) => (await copy(source, "/into/x")).code;
  expect(await code("/from/none")).toBe("NoSuchKey");
  expect(await code("/no-such-bucket/k")).toBe("NoSuchBucket");
  expect(await code("/from")).toBe("InvalidArgument");
  expect(await code("/from/none?versionId=x")).toBe("InvalidArgument");
  expect((await copy("/from/c", "/no-such-bucket/k")).code).toBe("NoSuchBucket");
});

test("a copy is encrypted as it asks for, whatever its source is", async () => {
  await s3.put("/from/plain", "secret");
  expect((await copy("/from/plain", "/into/sealed", customer(1))).status).toBe(200);
  expect((await s3.get("/into/sealed")).status).toBe(400);
  expect((await s3.get("/into/sealed", { headers: customer(1) })).text).toBe("secret");
  const ofSource = customer(1, "x-amz-copy-source-");
  expect((await copy("/into/sealed", "/into/again")).status).toBe(400);
  expect((await copy("/into/sealed", "/into/again", { ...customer(2), ...ofSource })).status).toBe(
    200,
  );
  expect((await s3.get("/into/again", { headers: customer(2) })).text).toBe("secret");
  expect((await copy("/into/sealed", "/into/open", ofSource)).status).toBe(200);
  expect((await s3.get("/into/open")).text).toBe("secret");
  await copy("/from/plain", "/into/ours", { "x-amz-server-side-encryption": "AES256" });
  const shared = await copy("/into/ours", "/into/ours-too");
  expect(shared.headers["x-amz-server-side-encryption"]).toBe("AES256");
  expect((await s3.get("/into/ours-too")).text).toBe("secret");
});

test("a checksum that is asked for is taken of the source", async () => {
  await s3.put("/from/hello", "hello");
  const reply = await copy("/from/hello", "/into/hello", { "x-amz-checksum-algorithm": "CRC32" });
  expect(childText(reply.xml, "ChecksumCRC32")).toBe("NhCmhg==");
  const head = await s3.head("/into/hello", { headers: { "x-amz-checksum-mode": "ENABLED" } });
  expect(head.headers["x-amz-checksum-crc32"]).toBe("NhCmhg==");
});

test("parts are copied from objects, whole or in ranges", async () => {
  const bytes = Buffer.alloc(5 * 1024 * 1024, "abcdefg");
  await s3.put("/from/large", bytes);
  const begun = await s3.post("/into/parts", "", { query: { uploads: undefined } });
  const uploadId = childText(begun.xml, "UploadId") ?? "";
  const part = (number: number, range?: string) =>
    s3.put("/into/parts", "", {
      query: { partNumber: String(number), uploadId },
      headers: {
        "x-amz-copy-source": "from/large",
        ...(range !== undefined && { "x-amz-copy-source-range": range }),
      },
    });
  const etags = [];
  for (const reply of [await part(1), await part(2, "bytes=7-13")]) {
    expect(reply.status).toBe(200);
    etags.push(childText(reply.xml, "ETag"));
  }
  expect(etags).toEqual([`"${md5(bytes)}"`, `"${md5("abcdefg")}"`]);
  for (const bad of ["7-13", "bytes=7-", "bytes=5-2", `bytes=0-${bytes.byteLength}`]) {
    expect(await part(3, bad)).toMatchObject({ code: "InvalidArgument" });
  }
  const rows = etags.map(
    (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
  );
  const done = await s3.post(
    "/into/parts",
    `<CompleteMultipartUpload>${rows.join("")}</CompleteMultipartUpload>`,
    { query: { uploadId } },
  );
  expect(done.status).toBe(200);
  const got = await s3.get("/into/parts");
  expect(got.bytes.equals(Buffer.concat([bytes, Buffer.from("abcdefg")]))).toBe(true);
});
