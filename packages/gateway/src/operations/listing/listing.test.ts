import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayCluster } from "../../testing/gateway-cluster.ts";
import type { TestReply } from "../../testing/test-s3.ts";
import { childrenOf, childText } from "../../xml/read.ts";
import { afterOfToken, continuationToken } from "./continuation-token.ts";

let cluster: GatewayCluster;

beforeAll(async () => {
  cluster = await GatewayCluster.open();
  await make("keys", ["a", "a/b", "a/c/d", "b/1", "b/2", "c d&e", "ü"]);
});

afterAll(() => cluster[Symbol.asyncDispose]());

async function make(bucket: string, keys: readonly string[]): Promise<void> {
  await cluster.client.buckets.create(bucket);
  for (const key of keys) {
    await cluster.client.objects.put(bucket, key, Buffer.from(key));
  }
}

const list = (bucket: string, query: Record<string, string> = {}) =>
  cluster.s3.get(`/${bucket}`, { query });
const list2 = (bucket: string, query: Record<string, string> = {}) =>
  list(bucket, { "list-type": "2", ...query });
const keysOf = (reply: TestReply) =>
  childrenOf(reply.xml, "Contents").map((c) => childText(c, "Key"));
const prefixesOf = (reply: TestReply) =>
  childrenOf(reply.xml, "CommonPrefixes").map((c) => childText(c, "Prefix"));
const elementsOf = (reply: TestReply) => reply.xml.children.map(({ name }) => name);

test("the elements of a listing are AWS's, in its order", async () => {
  const one = await list("keys", { "max-keys": "1" });
  expect(elementsOf(one)).toEqual([
    "Name",
    "Prefix",
    "Marker",
    "MaxKeys",
    "IsTruncated",
    "Contents",
  ]);
  const [row] = childrenOf(one.xml, "Contents");
  expect(row?.children.map(({ name }) => name)).toEqual([
    "Key",
    "LastModified",
    "ETag",
    "Size",
    "Owner",
    "StorageClass",
  ]);
  expect(childText(row as never, "LastModified")).toMatch(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  );
  const rolled = await list("keys", { delimiter: "/", "max-keys": "2", "encoding-type": "url" });
  expect(elementsOf(rolled).slice(0, 8)).toEqual([
    "Name",
    "Prefix",
    "Marker",
    "NextMarker",
    "MaxKeys",
    "Delimiter",
    "EncodingType",
    "IsTruncated",
  ]);
  const two = await list2("keys", { "max-keys": "1", "start-after": "a" });
  expect(elementsOf(two)).toEqual([
    "Name",
    "Prefix",
    "NextContinuationToken",
    "StartAfter",
    "KeyCount",
    "MaxKeys",
    "IsTruncated",
    "Contents",
  ]);
  expect(two.text).not.toContain("<Owner>");
  expect((await list2("keys", { "fetch-owner": "true" })).text).toContain("<Owner><ID>");
});

test("keys are rolled up at a delimiter, and pages of any size show each once", async () => {
  for (const limit of ["1", "2", "3", "1000"]) {
    const keys: unknown[] = [];
    const prefixes: unknown[] = [];
    let token: string | undefined;
    do {
      const reply: TestReply = await list2("keys", {
        delimiter: "/",
        "max-keys": limit,
        ...(token !== undefined && { "continuation-token": token }),
      });
      keys.push(...keysOf(reply));
      prefixes.push(...prefixesOf(reply));
      expect(childText(reply.xml, "KeyCount")).toBe(
        String(keysOf(reply).length + prefixesOf(reply).length),
      );
      token = childText(reply.xml, "NextContinuationToken");
      expect(childText(reply.xml, "IsTruncated")).toBe(String(token !== undefined));
    } while (token !== undefined);
    expect(keys).toEqual(["a", "c d&e", "ü"]);
    expect(prefixes).toEqual(["a/", "b/"]);
  }
});

test("the first version goes on after a marker, which it gives with a delimiter", async () => {
  const first = await list("keys", { delimiter: "/", "max-keys": "2" });
  expect([keysOf(first), prefixesOf(first)]).toEqual([["a"], ["a/"]]);
  expect(childText(first.xml, "NextMarker")).toBe("a/");
  const second = await list("keys", { delimiter: "/", marker: "a/" });
  expect([keysOf(second), prefixesOf(second)]).toEqual([["c d&e", "ü"], ["b/"]]);
  expect(keysOf(await list("keys", { marker: "b/2" }))).toEqual(["c d&e", "ü"]);
  expect(keysOf(await list("keys", { prefix: "a/" }))).toEqual(["a/b", "a/c/d"]);
  expect(keysOf(await list("keys", { prefix: "nothing" }))).toEqual([]);
});

test("keys are percent-encoded when that is asked for", async () => {
  const reply = await list2("keys", {
    "encoding-type": "url",
    prefix: "c d",
    "start-after": "c c",
  });
  expect(keysOf(reply)).toEqual(["c%20d%26e"]);
  expect(childText(reply.xml, "Prefix")).toBe("c%20d");
  expect(childText(reply.xml, "StartAfter")).toBe("c%20c");
  expect(await list("keys", { "encoding-type": "base64" })).toMatchObject({
    code: "InvalidArgument",
  });
});

test("the size of a page is from 0 to 1,000 and a number", async () => {
  const none = await list("keys", { "max-keys": "0" });
  expect(keysOf(none)).toEqual([]);
  expect(childText(none.xml, "IsTruncated")).toBe("false");
  expect(childText((await list("keys", { "max-keys": "5000" })).xml, "MaxKeys")).toBe("1000");
  expect(childText((await list("keys")).xml, "MaxKeys")).toBe("1000");
  for (const bad of ["-1", "many", "1.5", "99999999999"]) {
    expect(await list("keys", { "max-keys": bad })).toMatchObject({ code: "InvalidArgument" });
  }
});

test("a continuation token that was not given is refused", async () => {
  expect(afterOfToken(continuationToken("ü/\u{1f600}"))).toBe("ü/\u{1f600}");
  expect(afterOfToken("")).toBe("");
  for (const bad of ["x", "a/b", "MTpi=", Buffer.from("2:a").toString("base64url")]) {
    expect(await list2("keys", { "continuation-token": bad })).toMatchObject({
      status: 400,
      code: "InvalidArgument",
    });
  }
});
