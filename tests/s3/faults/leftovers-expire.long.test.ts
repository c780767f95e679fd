import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { eventually } from "@cairnfs/base/testing/eventually";
import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { BrokenPut } from "../../support/s3/broken-put.ts";
import { sdkOf } from "../../support/s3/sdk.ts";
import { MIB } from "../../support/verify.ts";

test("what a killed gateway had stored of a put is gone when its session has expired", async () => {
  await using cluster = await ProcessCluster.start({
    name: "s3-leftovers",
    datanodes: 3,
    coordinator: {
      CAIRN_SESSION_TTL_MS: "60s",
      CAIRN_CONTENT_GRACE_MS: "1s",
      CAIRN_CHUNK_GRACE_MS: "1s",
    },
  });
  const door = await cluster.startGateway();
  const client = sdkOf(door);
  await client.send(new CreateBucketCommand({ Bucket: "leftovers" }));
  const put = await BrokenPut.begin(
    door,
    { path: "/leftovers/half", sizeBytes: 64 * MIB },
    contentOf(1, 64 * MIB),
    48 * MIB,
  );
  const cairn = await cluster.connect();
  const usedBytes = async () =>
    (await cairn.clusterState()).nodes.reduce((sum, node) => sum + node.usedBytes, 0);
  await eventually(async () => expect(await usedBytes()).toBeGreaterThan(3 * 8 * MIB));
  await door.process.end("SIGKILL");
  put.end();
  await eventually(async () => expect(await usedBytes()).toBeLessThan(MIB), 240_000);
  client.destroy();
});
