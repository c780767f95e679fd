import { createHash } from "node:crypto";
import { Prng } from "@cairnfs/base/random";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayCluster } from "../testing/gateway-cluster.ts";
import type { TestS3 } from "../testing/test-s3.ts";

let cluster: GatewayCluster;
let s3: TestS3;

beforeAll(async () => {
  cluster = await GatewayCluster.open({ datanodes: 1 });
  s3 = cluster.s3;
  await s3.put("/box");
});
afterAll(() => cluster[Symbol.asyncDispose]());

function customer(fill: number): Record<string, string> {
  const key = Buffer.alloc(32, fill);
  const prefix = "x-amz-server-side-encryption-customer-";
  return {
    [`${prefix}algorithm`]: "AES256",
    [`${prefix}key`]: key.toString("base64"),
    [`${prefix}key-md5`]: createHash("md5").update(key).digest("base64"),
  };
}

test("what a customer's key encrypted comes back with that key, whole and in ranges, and with no other", async () => {
  const bytes = new Prng(1).bytes(3_000_000);
  const headers = customer(1);
  const put = await s3.put("/box/secret", bytes, { headers });
  expect(put.status).toBe(200);
  const md5Header = "x-amz-server-side-encryption-customer-key-md5";
  expect(put.headers[md5Header]).toBe(headers[md5Header]);
  expect((await s3.get("/box/secret", { headers })).bytes.equals(bytes)).toBe(true);
  for (const [first, last] of [
    [0, 0],
    [5, 20],
    [1_000_001, 2_000_002],
  ] as const) {
    const range = { range: `bytes=${first}-${last}` };
    const got = await s3.get("/box/secret", { headers: { ...headers, ...range } });
    expect(got.bytes.equals(bytes.subarray(first, last + 1))).toBe(true);
  }
  expect(await s3.get("/box/secret")).toMatchObject({ status: 400, code: "InvalidRequest" });
  expect(await s3.head("/box/secret")).toMatchObject({ status: 400 });
  expect(await s3.get("/box/secret", { headers: customer(2) })).toMatchObject({ status: 403 });
  const stored = await cluster.client.getBytes("/box/secret");
  expect(Buffer.from(stored).indexOf(bytes.subarray(0, 16))).toBe(-1);
});

test("what the cluster's key encrypted comes back as it was, and is not stored so", async () => {
  const headers = { "x-amz-server-side-encryption": "AES256" };
  const put = await s3.put("/box/sealed", "plain text of some length", { headers });
  expect(put.headers).toMatchObject(headers);
  expect(put.headers.etag).toBe(
    `"${createHash("md5").update("plain text of some length").digest("hex")}"`,
  );
  const got = await s3.get("/box/sealed");
  expect(got.text).toBe("plain text of some length");
  expect(got.headers).toMatchObject(headers);
  const stored = Buffer.from(await cluster.client.getBytes("/box/sealed"));
  expect(stored.toString()).not.toContain("plain");
});

test("a bucket may have all that is put into it encrypted", async () => {
  await s3.put("/closed");
  const rule =
    "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
  expect(await s3.put("/closed", rule, { query: { encryption: undefined } })).toMatchObject({
    status: 200,
  });
  const put = await s3.put("/closed/a", "plain");
  expect(put.headers["x-amz-server-side-encryption"]).toBe("AES256");
  expect((await s3.get("/closed/a")).text).toBe("plain");
  expect(Buffer.from(await cluster.client.getBytes("/closed/a")).toString()).not.toBe("plain");
});

test("the same content is never encrypted the same way twice", async () => {
  await s3.put("/box/one", "same", { headers: customer(3) });
  await s3.put("/box/two", "same", { headers: customer(3) });
  const [one, two] = await Promise.all([
    cluster.client.getBytes("/box/one"),
    cluster.client.getBytes("/box/two"),
  ]);
  expect(Buffer.from(one).equals(two)).toBe(false);
});

test("encryption that makes no sense is refused", async () => {
  const put = (headers: Record<string, string>) => s3.put("/box/refused", "x", { headers });
  const prefix = "x-amz-server-side-encryption-customer-";
  expect(await put({ "x-amz-server-side-encryption": "aws:kms" })).toMatchObject({ status: 501 });
  expect(await put({ "x-amz-server-side-encryption": "rot13" })).toMatchObject({ status: 400 });
  expect(await put({ ...customer(1), [`${prefix}algorithm`]: "AES128" })).toMatchObject({
    status: 400,
    code: "InvalidEncryptionAlgorithmError",
  });
  expect(await put({ ...customer(1), [`${prefix}key-md5`]: "AAAA" })).toMatchObject({
    status: 400,
    code: "InvalidArgument",
  });
  const { [`${prefix}key`]: _, ...withoutKey } = customer(1);
  expect(await put(withoutKey)).toMatchObject({ status: 400, code: "InvalidArgument" });
  await s3.put("/box/open", "x");
  expect(await s3.get("/box/open", { headers: customer(1) })).toMatchObject({ status: 400 });
});
