import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { forgetReplica } from "../chunks/replicas.ts";
import { type ExplainParts, explainChunks } from "./explain-chunks.ts";
import { HeldCopies } from "./held-copies.ts";
import { HealingCluster } from "./testing/healing-cluster.ts";

const never = new AbortController().signal;

async function explain(cluster: HealingCluster, id: ChunkId, over: Partial<ExplainParts> = {}) {
  const { healing, placements, membership } = cluster;
  const { repair, plan, findings, absences } = healing;
  const parts: ExplainParts = {
    table: membership.manager.table,
    isLive: (nodeNumber) => placements.isLive(nodeNumber),
    deadSinceMs: (nodeNumber) => absences.sinceMs(nodeNumber),
    findings,
    held: new HeldCopies(cluster.calls),
    plan,
    repair,
    hasRoom: () => true,
    nowMs: () => cluster.clock.now(),
    ...over,
  };
  const record = await cluster.recordOf(id);
  if (record === undefined) throw new Error("the chunk is there");
  const [explained] = await explainChunks(parts, [{ id, record }], never);
  return explained;
}

test("a chunk with all its copies is explained with when each was last read", async () => {
  const cluster = await HealingCluster.open(3);
  const id = await cluster.chunk(1, [1, 2, 3]);
  const copy = cluster.node(2).chunks.get(id);
  if (copy !== undefined) copy.verifiedMs = 1234;
  const explained = await explain(cluster, id);
  expect(explained).toMatchObject({
    liveCopies: 3,
    unplacedCopies: 0,
    forecast: { kind: "notNeeded" },
  });
  expect(explained?.copies.map((one) => [one.finding, one.verifiedMs])).toEqual([
    ["held", 0],
    ["held", 1234],
    ["held", 0],
  ]);
});

test("a dead holder is told with since when, and until when its return is waited for", async () => {
  const cluster = await HealingCluster.open(4, { repairDelayMs: 300_000 });
  const id = await cluster.chunk(1, [1, 2, 3]);
  await cluster.kill(3);
  const deadSinceMs = cluster.clock.now();
  const explained = await explain(cluster, id);
  expect(explained).toMatchObject({
    liveCopies: 2,
    forecast: { kind: "waiting", untilMs: deadSinceMs + 300_000 },
  });
  expect(explained?.copies[2]).toMatchObject({ isLive: false, finding: "unknown", deadSinceMs });
});

test("a copy that its node does not have, one that was given up and one that was never stored differ", async () => {
  const cluster = await HealingCluster.open(5);
  const id = await cluster.chunk(1, [1, 2], [1, 2, 3]);
  const isLive = (nodeNumber: number) => cluster.placements.isLive(nodeNumber);
  await cluster.kv.transact((tx) =>
    forgetReplica(tx, id, { nodeNumber: 2, deletes: false }, isLive),
  );
  cluster.healing.findings.note({ chunkId: id, nodeNumber: 2 }, "corrupt");
  const explained = await explain(cluster, id);
  expect(explained).toMatchObject({ unplacedCopies: 1, forecast: { kind: "queued" } });
  expect(
    explained?.copies.map((copy) => [copy.row.nodeNumber, copy.isRecorded, copy.finding]),
  ).toEqual([
    [1, true, "held"],
    [3, true, "missing"],
    [2, false, "corrupt"],
  ]);
});

test("without room, without a live copy and without repair the forecast says so", async () => {
  const cluster = await HealingCluster.open(3);
  const id = await cluster.chunk(1, [1, 2]);
  expect(await explain(cluster, id, { hasRoom: () => false })).toMatchObject({
    forecast: { kind: "stuck" },
  });
  const off = { ...cluster.healing.repair.progress, isOff: true };
  const repair = { isRunning: () => false, retryMs: () => undefined, progress: off };
  expect(await explain(cluster, id, { repair })).toMatchObject({ forecast: { kind: "off" } });
  const retrying = { ...repair, progress: cluster.healing.repair.progress, retryMs: () => 77 };
  expect(await explain(cluster, id, { repair: retrying })).toMatchObject({
    forecast: { kind: "retry", untilMs: 77 },
  });
  await cluster.kill(1, 2);
  expect(await explain(cluster, id)).toMatchObject({ liveCopies: 0, forecast: { kind: "lost" } });
});
