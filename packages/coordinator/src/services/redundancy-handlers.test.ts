import { eventually } from "@cairnfs/base/testing/eventually";
import { NodeState } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import {
  CopyFinding,
  RedundancyService,
  RepairForecast,
} from "@cairnfs/protocol/gen/cairn/v1/redundancy_pb";
import { expect, test } from "vitest";
import { CoordinatorCluster } from "../testing/coordinator-cluster.ts";

/** Nodes die within a moment here, and nothing is copied. */
const HASTY = {
  heartbeatIntervalMs: 20,
  suspectAfterMs: 60,
  deadAfterMs: 150,
  repairDelayMs: 3_600_000,
};

/** A cluster whose nodes are heard all the time, but for those in `silent`. */
async function beating(cluster: CoordinatorCluster, silent: ReadonlySet<number>) {
  for (const node of cluster.nodes) {
    if (!silent.has(node.nodeNumber)) await node.beat();
  }
}

test("the sums show a lost node's copies by what is left, wait for it, and are called exact only then", async () => {
  await using cluster = await CoordinatorCluster.open(4, HASTY);
  const redundancy = cluster.clientOf(RedundancyService);
  for (let file = 0; file < 8; file++) await cluster.put(`/f${file}`, `content ${file}`);
  const silent = new Set<number>();
  await eventually(async () => {
    await beating(cluster, silent);
    expect(await redundancy.getRedundancy({})).toMatchObject({ isExact: true, debtChunks: 0n });
  }, 4000);
  silent.add(2);
  const held = BigInt(cluster.nodeNumbered(2).chunks.size);
  await eventually(async () => {
    await beating(cluster, silent);
    expect(await redundancy.getRedundancy({})).toMatchObject({
      isExact: true,
      chunkCount: 8n,
      debtChunks: held,
      missingBytes: held * 9n,
      repair: { waitingChunks: held, waitingBytes: held * 9n, stuckChunks: 0n, isOff: false },
    });
  }, 4000);
  const { debt, repair } = await redundancy.getRedundancy({});
  expect(debt.map(({ liveCopies, chunks }) => [liveCopies, chunks])).toEqual([
    [0, 0n],
    [1, 0n],
    [2, held],
    [3, 0n],
  ]);
  expect(Number(repair?.waitingUntilMs)).toBeGreaterThan(Date.now() + 3_500_000);
});

test("a restart of the coordinator makes no dead node look alive", async () => {
  await using cluster = await CoordinatorCluster.open(4, HASTY);
  for (let file = 0; file < 8; file++) await cluster.put(`/f${file}`, `content ${file}`);
  const silent = new Set([2]);
  const held = BigInt(cluster.nodeNumbered(2).chunks.size);
  await eventually(async () => {
    await beating(cluster, silent);
    const told = await cluster.clientOf(RedundancyService).getRedundancy({});
    expect(told).toMatchObject({
      isExact: true,
      debtChunks: held,
      repair: { waitingChunks: held },
    });
  }, 4000);
  const before = await cluster.clientOf(RedundancyService).getRedundancy({});
  await cluster.restart();
  const redundancy = cluster.clientOf(RedundancyService);
  const { nodes } = await cluster.client.getClusterState({});
  expect(nodes.find(({ nodeNumber }) => nodeNumber === 2)?.state).toBe(NodeState.DEAD);
  await eventually(async () => {
    await beating(cluster, silent);
    const told = await redundancy.getRedundancy({});
    expect(told.debtChunks).toBe(held);
    // Repair waits from the node's death on, not from the restart.
    expect(told).toMatchObject({ isExact: true, repair: { waitingChunks: held } });
    const laterMs = told.repair?.waitingUntilMs ?? 0n;
    expect(Number(laterMs - (before.repair?.waitingUntilMs ?? 0n))).toBeLessThan(100);
  }, 4000);
  silent.clear();
  await eventually(async () => {
    await beating(cluster, silent);
    expect(await redundancy.getRedundancy({})).toMatchObject({ isExact: true, debtChunks: 0n });
  }, 4000);
});

test("a file is explained part by part, with what each node says and until when it is waited for", async () => {
  await using cluster = await CoordinatorCluster.open(3, HASTY);
  const redundancy = cluster.clientOf(RedundancyService);
  await cluster.putChunks("/many", ["one", "two", "three", "four", "five"]);
  const silent = new Set([3]);
  await eventually(async () => {
    await beating(cluster, silent);
    expect((await redundancy.getRedundancy({})).debtChunks).toBe(5n);
  }, 4000);
  const first = await redundancy.explainFile({ path: "/many", chunkLimit: 2 });
  expect(first).toMatchObject({ coveredChunks: 2n, riskyChunks: 2n, nextOffsetBytes: 6n });
  const [chunk] = first.chunks;
  expect(chunk).toMatchObject({
    offsetBytes: 0n,
    lengthBytes: 3n,
    wantedCopies: 3,
    liveCopies: 2,
    forecast: RepairForecast.WAITING,
  });
  expect(Number(chunk?.untilMs)).toBeGreaterThan(Date.now());
  const copies = chunk?.copies.toSorted((one, other) => one.nodeNumber - other.nodeNumber);
  expect(copies).toMatchObject([
    { nodeNumber: 1, isLive: true, finding: CopyFinding.HELD },
    { nodeNumber: 2, isLive: true, finding: CopyFinding.HELD },
    { nodeNumber: 3, isLive: false, state: NodeState.DEAD, finding: CopyFinding.UNKNOWN },
  ]);
  expect(copies?.[2]?.deadSinceMs).not.toBe(0n);

  const rest = await redundancy.explainFile({ path: "/many", offsetBytes: 6n });
  expect(rest.chunks).toHaveLength(3);
  expect(rest.nextOffsetBytes).toBe(0n);
  silent.clear();
  await eventually(async () => {
    await beating(cluster, silent);
    const page = await redundancy.explainFile({ path: "/many" });
    expect(page).toMatchObject({ chunks: [], coveredChunks: 5n, riskyChunks: 0n, isExact: true });
  }, 4000);
  const all = await redundancy.explainFile({ path: "/many", isAll: true });
  expect(all.chunks.map(({ forecast }) => forecast)).toEqual(
    Array(5).fill(RepairForecast.NOT_NEEDED),
  );
  const tooMany = redundancy.explainFile({ path: "/many", chunkLimit: 1001 });
  await expect(tooMany).rejects.toMatchObject({ reason: "invalidArgument" });
});
