import { contentOf, digestOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { expectContent, MIB } from "../support/verify.ts";

test("a file whose chunks have one live copy left reads back, and one without any says which chunk and why", async () => {
  await using cluster = await ProcessCluster.start({ name: "copies-lost-on-read", datanodes: 3 });
  const client = await cluster.connect({ stallMs: 3_000 });
  const content = { seed: 11, sizeBytes: 40 * MIB + 17 };
  await client.put("/three.bin", contentOf(content.seed, content.sizeBytes), {
    chunkSizeBytes: 4 * MIB,
  });

  await cluster.datanode(0).end();
  await expectContent(client, "/three.bin", content);
  cluster.datanode(1).signal("SIGSTOP");
  await expectContent(client, "/three.bin", content);

  await cluster.datanode(1).end();
  await cluster.datanode(2).end();
  await expect(digestOf(await client.get("/three.bin"))).rejects.toMatchObject({
    reason: "chunkUnavailable",
    message: expect.stringMatching(/[0-9a-f]{8}/u),
  });

  await Promise.all([0, 1, 2].map((index) => cluster.restartDatanode(index)));
  await cluster.untilHealthy();
  await expectContent(client, "/three.bin", content);
});

test("a node that dies in the middle of a read is left for another, unseen by the reader", async () => {
  await using cluster = await ProcessCluster.start({ name: "node-dies-mid-get" });
  const client = await cluster.connect({ stallMs: 3_000 });
  const content = { seed: 12, sizeBytes: 128 * MIB };
  await client.put("/many.bin", contentOf(content.seed, content.sizeBytes));

  let readBytes = 0;
  const reading = (async function* () {
    for await (const piece of await client.get("/many.bin")) {
      readBytes += piece.byteLength;
      if (readBytes > 32 * MIB) cluster.datanode(0).signal("SIGKILL");
      if (readBytes > 64 * MIB) cluster.datanode(1).signal("SIGKILL");
      yield piece;
    }
  })();
  expect(await digestOf(reading)).toEqual(
    await digestOf(contentOf(content.seed, content.sizeBytes)),
  );
});

test("while the coordinator is stopped a file that is open keeps being read", async () => {
  await using cluster = await ProcessCluster.start({ name: "coordinator-stopped", datanodes: 3 });
  const client = await cluster.connect();
  const content = { seed: 13, sizeBytes: 24 * MIB };
  await client.put("/open.bin", contentOf(content.seed, content.sizeBytes), {
    chunkSizeBytes: MIB,
  });
  const file = await client.open("/open.bin");

  await cluster.coordinator.end();
  await cluster.datanode(0).end();

  expect(await digestOf(file.read())).toEqual(
    await digestOf(contentOf(content.seed, content.sizeBytes)),
  );
});
