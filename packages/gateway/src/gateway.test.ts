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
