import { eventually } from "@cairnfs/base/testing/eventually";
import { expect, test } from "vitest";
import { GatewayCluster } from "../../testing/gateway-cluster.ts";

const RULES = `<LifecycleConfiguration>
  <Rule><ID>a</ID><Status>Enabled</Status><Filter><Prefix>tmp/</Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule>
  <Rule><ID>b</ID><Status>Disabled</Status><Filter><Prefix></Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule>
</LifecycleConfiguration>`;

test("what a rule set over S3 wants to go is gone after its days, and nothing else", async () => {
  await using cluster = await GatewayCluster.open({
    coordinator: { lifecycleDayMs: 100, lifecycleIntervalMs: 100 },
  });
  const { s3, client } = cluster;
  expect((await s3.put("/logs")).status).toBe(200);
  for (const key of ["tmp/a", "tmp/b/c", "kept"]) {
    expect((await s3.put(`/logs/${key}`, "x")).status).toBe(200);
  }
  const set = await s3.put("/logs", RULES, { query: { lifecycle: "" } });
  expect(set.status).toBe(200);
  await eventually(async () => {
    const { items } = await client.objects.listPage("logs");
    expect(items.map(({ key }) => key)).toEqual(["kept"]);
  });
});
