import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayCluster } from "../../testing/gateway-cluster.ts";
import { deletion, mark, tagging } from "../../testing/test-documents.ts";
import type { TestS3 } from "../../testing/test-s3.ts";
import { childrenOf, childText } from "../../xml/read.ts";

let cluster: GatewayCluster;
let s3: TestS3;

beforeAll(async () => {
  cluster = await GatewayCluster.open();
  ({ s3 } = cluster);
  await s3.put("/plain");
  await s3.put("/versioned");
  await cluster.client.buckets.set("versioned", { versioning: "enabled" });
  await s3.put("/locked", "", { headers: { "x-amz-bucket-object-lock-enabled": "true" } });
});

afterAll(() => cluster[Symbol.asyncDispose]());

test("tags of a file that no S3 client wrote are set too, and its ETag stays", async () => {
  await cluster.client.put("/plain/by-sdk", Buffer.from("x"));
  const before = await s3.head("/plain/by-sdk");
  expect((await s3.put("/plain/by-sdk", tagging(["a", "1"]), mark("tagging"))).status).toBe(200);
  const after = await s3.head("/plain/by-sdk");
  expect(after.headers.etag).toBe(before.headers.etag);
  expect(after.headers["last-modified"]).toBe(before.headers["last-modified"]);
  expect(after.headers["x-amz-tagging-count"]).toBe("1");
});

test("the ACL of an object is set and shown", async () => {
  await s3.put("/plain/acl", "x");
  const shown = async () => (await s3.get("/plain/acl", mark("acl"))).text;
  expect(await shown()).toContain("<Permission>FULL_CONTROL</Permission>");
  const headers = { "x-amz-acl": "public-read" };
  expect((await s3.put("/plain/acl", "", { ...mark("acl"), headers })).status).toBe(200);
  expect(await shown()).toContain("global/AllUsers");
  expect((await cluster.as(undefined).get("/plain/acl")).text).toBe("x");
  const document = (await shown()).replace("AllUsers", "AuthenticatedUsers");
  expect((await s3.put("/plain/acl", document, mark("acl"))).status).toBe(200);
  expect((await cluster.as(undefined).get("/plain/acl")).status).toBe(403);
  expect(await s3.put("/plain/acl", "", mark("acl"))).toMatchObject({
    code: "MissingSecurityHeader",
  });
});

test("the attributes of an object are those that are asked for", async () => {
  await s3.put("/plain/attributes", "hello", {
    headers: { "x-amz-sdk-checksum-algorithm": "CRC32", "x-amz-checksum-crc32": "NhCmhg==" },
  });
  const ask = (names: string) =>
    s3.get("/plain/attributes", {
      ...mark("attributes"),
      headers: { "x-amz-object-attributes": names },
    });
  const all = await ask("ETag,Checksum,ObjectParts,StorageClass,ObjectSize");
  expect(all.xml.children.map(({ name }) => name)).toEqual([
    "ETag",
    "Checksum",
    "StorageClass",
    "ObjectSize",
  ]);
  expect(childText(all.xml, "ETag")).toBe(createHash("md5").update("hello").digest("hex"));
  expect(all.text).toContain(
    "<ChecksumCRC32>NhCmhg==</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType>",
  );
  expect(all.headers["last-modified"]).toBeDefined();
  expect((await ask("ObjectSize")).xml.children).toHaveLength(1);
  expect(await ask("Colour")).toMatchObject({ code: "InvalidArgument" });
  expect(await s3.get("/plain/attributes", mark("attributes"))).toMatchObject({
    code: "InvalidRequest",
  });
});

test("many objects are removed at once, each on its own, and quietly when that is asked for", async () => {
  for (const key of ["1", "2", "3"]) await s3.put(`/plain/many/${key}`, key);
  const object = (key: string, more = "") => `<Object><Key>many/${key}</Key>${more}</Object>`;
  const wrong = object("3", "<ETag>other</ETag>");
  const reply = await s3.post("/plain", ...deletion(object("1") + object("none") + wrong));
  expect(childrenOf(reply.xml, "Deleted").map((row) => childText(row, "Key"))).toEqual([
    "many/1",
    "many/none",
  ]);
  const [error] = childrenOf(reply.xml, "Error");
  expect(error && childText(error, "Code")).toBe("PreconditionFailed");
  const quiet = await s3.post("/plain", ...deletion(`<Quiet>true</Quiet>${object("2")}`));
  expect(quiet.xml.children).toEqual([]);
  expect((await s3.get("/plain", { query: { prefix: "many/" } })).text).toContain("many/3");
  const [body] = deletion(object("3"));
  expect(await s3.post("/plain", body, mark("delete"))).toMatchObject({ code: "InvalidRequest" });
});

test("who may not remove is told so for each object", async () => {
  await cluster.client.access.createUser("eve");
  const eve = cluster.as(await cluster.client.access.createKey({ userName: "eve" }));
  const reply = await eve.post("/plain", ...deletion("<Object><Key>acl</Key></Object>"));
  expect(reply.status).toBe(200);
  expect(reply.text).toContain("<Code>AccessDenied</Code>");
});
