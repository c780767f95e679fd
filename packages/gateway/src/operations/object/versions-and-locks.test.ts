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

test("tags of an object and of a version of it are set, shown, counted and taken away", async () => {
  const first = await s3.put("/versioned/t", "1", { headers: { "x-amz-tagging": "a=1" } });
  await s3.put("/versioned/t", "2");
  const id = first.headers["x-amz-version-id"];
  expect((await s3.get("/versioned/t", mark("tagging", id))).text).toContain("<Key>a</Key>");
  expect((await s3.get("/versioned/t", mark("tagging"))).text).toContain("<TagSet></TagSet>");
  const put = await s3.put("/versioned/t", tagging(["b", "2"], ["c", "3"]), mark("tagging", id));
  expect(put.headers["x-amz-version-id"]).toBe(id);
  const head = await s3.head("/versioned/t", { query: { versionId: String(id) } });
  expect(head.headers["x-amz-tagging-count"]).toBe("2");
  expect((await s3.delete("/versioned/t", mark("tagging", id))).status).toBe(204);
  expect((await s3.get("/versioned/t", mark("tagging", id))).text).toContain("<TagSet></TagSet>");
  expect(await s3.get("/versioned/none", mark("tagging"))).toMatchObject({ code: "NoSuchKey" });
  expect(await s3.put("/versioned/t", tagging(["a?", "1"]), mark("tagging"))).toMatchObject({
    code: "InvalidTag",
  });
});

test("retention keeps a version, is made longer, and shorter only under governance with the bypass", async () => {
  const put = await s3.put("/locked/r", "x");
  const id = String(put.headers["x-amz-version-id"]);
  const none = await s3.get("/locked/r", mark("retention"));
  expect(none).toMatchObject({ status: 404, code: "NoSuchObjectLockConfiguration" });
  const retain = (mode: string, days: number, headers: Record<string, string> = {}) => {
    const until = new Date(Date.now() + days * 86_400_000).toISOString();
    const body = `<Retention><Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`;
    return s3.put("/locked/r", body, { ...mark("retention"), headers });
  };
  const bypass = { "x-amz-bypass-governance-retention": "true" };
  expect((await retain("GOVERNANCE", 10)).status).toBe(200);
  expect((await retain("GOVERNANCE", 20)).status).toBe(200);
  expect(await retain("GOVERNANCE", 5)).toMatchObject({ status: 403, code: "AccessDenied" });
  expect(await retain("COMPLIANCE", 30)).toMatchObject({ status: 403, code: "AccessDenied" });
  expect((await s3.get("/locked/r", mark("retention"))).text).toContain("<Mode>GOVERNANCE</Mode>");
  const gone = { query: { versionId: id } };
  expect(await s3.delete("/locked/r", gone)).toMatchObject({ status: 403 });
  expect((await retain("GOVERNANCE", 5, bypass)).status).toBe(200);
  expect(
    (await s3.put("/locked/r", "<Retention/>", { ...mark("retention"), headers: bypass })).status,
  ).toBe(200);
  expect((await s3.delete("/locked/r", gone)).status).toBe(204);
});

test("a legal hold keeps a version until it is switched off", async () => {
  const put = await s3.put("/locked/h", "x", {
    headers: { "x-amz-object-lock-legal-hold": "ON" },
  });
  const gone = { query: { versionId: String(put.headers["x-amz-version-id"]) } };
  expect((await s3.get("/locked/h", mark("legal-hold"))).text).toContain("<Status>ON</Status>");
  expect((await s3.delete("/locked/h", gone)).status).toBe(403);
  const off = "<LegalHold><Status>OFF</Status></LegalHold>";
  expect((await s3.put("/locked/h", off, mark("legal-hold"))).status).toBe(200);
  expect((await s3.get("/locked/h", mark("legal-hold"))).text).toContain("<Status>OFF</Status>");
  expect((await s3.delete("/locked/h", gone)).status).toBe(204);
  await s3.put("/locked/never", "x");
  expect(await s3.get("/locked/never", mark("legal-hold"))).toMatchObject({
    status: 404,
    code: "NoSuchObjectLockConfiguration",
  });
  expect(await s3.put("/plain/acl", off, mark("legal-hold"))).toMatchObject({
    status: 400,
    code: "InvalidRequest",
  });
});

test("removing makes delete markers and removes versions by their ids", async () => {
  const put = await s3.put("/versioned/gone", "x");
  const key = "<Key>gone</Key>";
  const made = await s3.post("/versioned", ...deletion(`<Object>${key}</Object>`));
  const [row] = childrenOf(made.xml, "Deleted");
  const marker = row && childText(row, "DeleteMarkerVersionId");
  expect(row && childText(row, "DeleteMarker")).toBe("true");
  const ids = [marker, put.headers["x-amz-version-id"]];
  const both = await s3.post(
    "/versioned",
    ...deletion(ids.map((id) => `<Object>${key}<VersionId>${id}</VersionId></Object>`).join("")),
  );
  expect(childrenOf(both.xml, "Deleted").map((one) => childText(one, "VersionId"))).toEqual(ids);
  const versions = await s3.get("/versioned", { query: { versions: undefined, prefix: "gone" } });
  expect(versions.text).not.toContain("<Key>gone</Key>");
});

const versions = (query: Record<string, string>) =>
  s3.get("/history", { query: { ...query, versions: "" } });

test("versions and delete markers are listed, of each key the newest first", async () => {
  await cluster.client.buckets.create("history");
  await cluster.client.objects.put("history", "k", Buffer.from("0"));
  await cluster.client.buckets.set("history", { versioning: "enabled" });
  await cluster.client.objects.put("history", "k", Buffer.from("11"));
  await cluster.client.objects.put("history", "l", Buffer.from("222"));
  await cluster.client.objects.remove("history", "k");
  const reply = await versions({});
  expect(reply.xml.children.map(({ name }) => name)).toEqual([
    "Name",
    "Prefix",
    "KeyMarker",
    "VersionIdMarker",
    "MaxKeys",
    "IsTruncated",
    "DeleteMarker",
    "Version",
    "Version",
    "Version",
  ]);
  const rows = reply.xml.children
    .slice(6)
    .map((row) => [childText(row, "Key"), childText(row, "IsLatest"), childText(row, "Size")]);
  expect(rows).toEqual([
    ["k", "true", undefined],
    ["k", "false", "2"],
    ["k", "false", "1"],
    ["l", "true", "3"],
  ]);
  expect(childText(reply.xml.children[8] as never, "VersionId")).toBe("null");
  const first = await versions({ "max-keys": "2" });
  expect(childText(first.xml, "NextKeyMarker")).toBe("k");
  const rest = await versions({
    "key-marker": "k",
    "version-id-marker": childText(first.xml, "NextVersionIdMarker") ?? "",
  });
  expect(rest.xml.children.slice(6).map((row) => childText(row, "Key"))).toEqual(["k", "l"]);
  expect(await versions({ "version-id-marker": "null" })).toMatchObject({
    code: "InvalidArgument",
  });
});
