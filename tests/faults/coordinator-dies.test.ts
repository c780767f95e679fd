import { contentOf } from "@cairnfs/testkit/content";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect, test } from "vitest";
import { expectContent, latch, MIB } from "../support/verify.ts";

test("the coordinator is killed between the upload of chunks and the commit; restarted, the put goes on", async () => {
  await using cluster = await ProcessCluster.start({
    name: "coordinator-dies-mid-put",
    datanodes: 3,
  });
  const client = await cluster.connect();
  const content = { seed: 21, sizeBytes: 24 * MIB };
  const gate = latch();
  const source = (async function* () {
    let givenBytes = 0;
    for await (const piece of contentOf(content.seed, content.sizeBytes)) {
      if (givenBytes === 20 * MIB) await gate.reached;
      givenBytes += piece.byteLength;
      yield piece;
    }
  })();

  const stored = latch();
  const putting = client.put("/through.bin", source, {
    chunkSizeBytes: 2 * MIB,
    onProgress: ({ doneBytes }) => {
      if (doneBytes >= 18 * MIB) stored.open();
    },
  });
  await stored.reached;
  await cluster.coordinator.end();
  gate.open();
  await cluster.restartCoordinator();

  const { entry } = await putting;
  expect(entry.sizeBytes).toBe(content.sizeBytes);
  await expectContent(client, "/through.bin", content);
});

test("what was acknowledged before the coordinator was killed is there after it, and nothing half", async () => {
  await using cluster = await ProcessCluster.start({
    name: "coordinator-dies-often",
    datanodes: 3,
  });
  const client = await cluster.connect();
  const acknowledged = new Map<string, number>();
  let isOver = false;
  const writers = [0, 1, 2, 3].map(async (writer) => {
    for (let round = 0; !isOver; round++) {
      const path = `/often/${writer}-${round}`;
      const sizeBytes = round % 3 === 0 ? 100 : 70_000 + round;
      await client.put(path, contentOf(round, sizeBytes), { parents: true });
      acknowledged.set(path, sizeBytes);
      if (round % 5 === 4) {
        await client.rename(path, `${path}-moved`);
        acknowledged.delete(path);
        acknowledged.set(`${path}-moved`, sizeBytes);
      }
    }
  });
  const failedWriter = Promise.all(writers).then(() => undefined);
  for (let kill = 0; kill < 3; kill++) {
    const reached = acknowledged.size + 25;
    // A writer that fails ends the test here, rather than leave it waiting for the others.
    while (acknowledged.size < reached) await Promise.race([client.stat("/"), failedWriter]);
    await cluster.restartCoordinator();
  }
  isOver = true;
  await Promise.all(writers);

  const names = new Set<string>();
  for await (const entry of client.list("/often")) {
    names.add(`/often/${entry.name}`);
    expect(acknowledged.get(`/often/${entry.name}`)).toBe(entry.sizeBytes);
  }
  expect(names).toEqual(new Set(acknowledged.keys()));
  for (const [path, sizeBytes] of acknowledged) {
    const round = Number(/-(\d+)/u.exec(path)?.[1]);
    await expectContent(client, path, { seed: round, sizeBytes });
  }
});
