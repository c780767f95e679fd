import { type Metrics, silentLogger, silentMetrics } from "@cairnfs/base/telemetry";
import { expect, test } from "vitest";
import { GatewayCluster } from "./testing/gateway-cluster.ts";

test("what the gateway does not do is refused as S3 refuses it, with a request id", async () => {
  await using cluster = await GatewayCluster.open();
  const refused = await cluster.s3.send("PATCH", "/");
  expect(refused).toMatchObject({ status: 405, code: "MethodNotAllowed" });
  expect(refused.headers["x-amz-request-id"]).toMatch(/^[0-9A-F]{16}$/u);
  expect(refused.text).toContain(String(refused.headers["x-amz-request-id"]));
  const unknown = await cluster.s3.get("/bucket", { query: { inventory: undefined } });
  expect(unknown).toMatchObject({ status: 501, code: "NotImplemented" });
});

test("buckets are made, seen, listed and removed", async () => {
  await using cluster = await GatewayCluster.open();
  const { s3 } = cluster;
  expect(await s3.head("/photos")).toMatchObject({ status: 404, text: "" });
  const made = await s3.put("/photos");
  expect(made).toMatchObject({ status: 200 });
  expect(made.headers.location).toBe("/photos");
  expect((await s3.head("/photos")).headers["x-amz-bucket-region"]).toBe("us-east-1");
  await s3.put("/archive");
  const listed = await s3.get("/");
  expect(listed.text).toMatch(/<Name>archive<\/Name>.*<Name>photos<\/Name>/su);
  const page = await s3.get("/", { query: { "max-buckets": "1" } });
  const token = /<ContinuationToken>(.*?)<\/ContinuationToken>/u.exec(page.text)?.[1];
  const rest = await s3.get("/", { query: { "continuation-token": token ?? "" } });
  expect(rest.text).toContain("photos");
  expect(rest.text).not.toContain("archive");
  expect(await s3.delete("/photos")).toMatchObject({ status: 204 });
  expect(await s3.delete("/photos")).toMatchObject({ status: 404, code: "NoSuchBucket" });
});

test("a bucket's name keeps S3's rules, and nobody gets another's region", async () => {
  await using cluster = await GatewayCluster.open();
  const { s3 } = cluster;
  for (const name of ["ab", "Upper", "10.0.0.1", "a..b", "a_b", "-ab", "x".repeat(64)]) {
    expect(await s3.put(`/${name}`)).toMatchObject({ status: 400, code: "InvalidBucketName" });
  }
  const elsewhere =
    "<CreateBucketConfiguration><LocationConstraint>eu-north-1</LocationConstraint></CreateBucketConfiguration>";
  expect(await s3.put("/fine", elsewhere)).toMatchObject({ code: "InvalidLocationConstraint" });
  expect(await s3.put("/fine", "<Create")).toMatchObject({ status: 400, code: "MalformedXML" });
  expect(await cluster.as(undefined).get("/")).toMatchObject({ status: 403, code: "AccessDenied" });
});

test("requests are counted by their operation and status", async () => {
  const counted: string[] = [];
  const metrics: Metrics = {
    ...silentMetrics,
    counter: (name) => ({
      add: (amount, { operation, status } = {}) => {
        if (name === "cairn_s3_requests_total") counted.push(`${operation} ${status} ${amount}`);
      },
    }),
  };
  await using cluster = await GatewayCluster.open({ telemetry: { logger: silentLogger, metrics } });
  const { s3 } = cluster;
  await s3.put("/photos");
  await s3.get("/photos/none");
  await s3.send("PATCH", "/");
  expect(counted).toEqual(["CreateBucket 200 1", "GetObject 404 1", "none 405 1"]);
});
