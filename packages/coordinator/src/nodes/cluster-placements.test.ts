import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { capacityWeighted } from "../placement/capacity-weighted.ts";
import type { PlacementRequest } from "../uploads/placements.ts";
import { ClusterPlacements } from "./cluster-placements.ts";
import { roomy, TestManager } from "./testing/manager.ts";

const MIB = 1024 * 1024;
const wish: PlacementRequest = {
  seed: new Prng(1).bytes(16),
  chunkIndex: 0,
  replicationFactor: 3,
  writeQuorum: 2,
  excluded: [],
  chunkSizeBytes: 8 * MIB,
};

async function clusterOf(nodes: number) {
  const cluster = await TestManager.open();
  for (let number = 1; number <= nodes; number++) {
    await cluster.join(number, { zone: `z${number % 3}` });
  }
  return { cluster, placements: new ClusterPlacements(cluster.manager, capacityWeighted) };
}

test("an interrupted upload is led to the same nodes again, each chunk to its own", async () => {
  const { cluster, placements } = await clusterOf(9);
  const first = Array.from({ length: 50 }, (_, chunkIndex) =>
    placements.place({ ...wish, chunkIndex }),
  );
  for (let number = 1; number <= 9; number++) {
    cluster.beat(number, number, { ...roomy, availableBytes: 0.99e12 });
  }
  const again = new ClusterPlacements(cluster.manager, capacityWeighted);
  expect(first.map((_, chunkIndex) => again.place({ ...wish, chunkIndex }))).toEqual(first);
  expect(new Set(first.map(String)).size).toBeGreaterThan(20);
  for (const chosen of first) expect(new Set(chosen).size).toBe(3);
});

test("nodes that the caller excludes are avoided", async () => {
  const { placements } = await clusterOf(5);
  for (let chunkIndex = 0; chunkIndex < 20; chunkIndex++) {
    const chosen = placements.place({ ...wish, chunkIndex, excluded: [1, 2] });
    expect([...chosen].sort()).toEqual([3, 4, 5]);
  }
});

test("with fewer nodes than wanted but a quorum of them all of those are given", async () => {
  const { placements } = await clusterOf(2);
  expect([...placements.place(wish)].sort()).toEqual([1, 2]);
  expect(placements.place({ ...wish, replicationFactor: 1, writeQuorum: 1 })).toHaveLength(1);
});

test("below the quorum the refusal says how many there are, how many it takes and what keeps the others", async () => {
  const { cluster, placements } = await clusterOf(6);
  await cluster.silence(10_000);
  cluster.beat(1, 1);
  cluster.beat(2, 2);
  cluster.beat(3, 3, { ...roomy, availableBytes: 16 * MIB - 1 });
  cluster.beat(4, 4, roomy, "readOnly");
  expect(() => placements.place({ ...wish, excluded: [2, 6] })).toThrow(
    "1 healthy nodes have room for a chunk of 8388608 bytes and 2 are needed " +
      "(not usable: 1 full, 1 read-only, 2 suspect, 1 excluded by the caller)",
  );
  expect([...placements.place(wish)].sort()).toEqual([1, 2]);
  const smaller = placements.place({ ...wish, chunkSizeBytes: MIB });
  expect([...smaller].sort()).toEqual([1, 2, 3]);
});

test("what changes in the node table shows in the next placement", async () => {
  const { cluster, placements } = await clusterOf(4);
  const before = placements.place(wish);
  const [gone = 0] = before;
  await cluster.silence(10_000);
  for (let number = 1; number <= 4; number++) if (number !== gone) cluster.beat(number, number);
  expect(placements.place(wish)).not.toContain(gone);
  cluster.beat(gone, gone);
  expect(placements.place(wish)).toEqual(before);
});

test("one more copy goes to a zone without one, and nowhere when every node has it or is excluded", async () => {
  const { placements } = await clusterOf(6);
  const copy = { seed: wish.seed, chunkSizeBytes: MIB, excluded: new Set<number>() };
  // Zones by number: 1 and 4, 2 and 5, 3 and 6 share one.
  expect([3, 6]).toContain(placements.placeCopy({ ...copy, holders: [1, 2] }));
  expect(placements.placeCopy({ ...copy, holders: [1, 2], excluded: new Set([3]) })).toBe(6);
  expect(placements.placeCopy({ ...copy, holders: [1, 2, 3, 4, 5, 6] })).toBeUndefined();
  expect(
    placements.placeCopy({ ...copy, holders: [1, 2, 3], excluded: new Set([4, 5, 6]) }),
  ).toBeUndefined();
});

test("copies count on every member that is not dead", async () => {
  const { cluster, placements } = await clusterOf(1);
  expect(placements.isLive(1)).toBe(true);
  await cluster.silence(59_999);
  expect(placements.isLive(1)).toBe(true);
  await cluster.silence(1);
  expect(placements.isLive(1)).toBe(false);
  expect(placements.isLive(2)).toBe(false);
});

test("the table's version 0 is older than everything", async () => {
  const { cluster, placements } = await clusterOf(2);
  const whole = placements.nodeUpdatesSince(0);
  expect(whole).toMatchObject({ requiresFullResync: true });
  expect(whole.nodes).toHaveLength(2);
  const { version } = cluster.manager.table;
  expect(placements.nodeUpdatesSince(version)).toEqual({
    version: BigInt(version),
    requiresFullResync: false,
    nodes: [],
  });
});

test("the nodes of a placement come by themselves, and as no state of the table", async () => {
  const { placements } = await clusterOf(4);
  const rows = placements.nodesOf([2, 4, 2, 99]);
  expect(rows).toMatchObject({ version: 0n, requiresFullResync: false });
  expect(rows.nodes?.map((node) => [node.nodeNumber, node.address])).toEqual([
    [2, "node-2:1"],
    [4, "node-4:1"],
  ]);
});

test("copies on draining nodes do not stay: they go first, when the wanted ones are elsewhere", async () => {
  const { cluster, placements } = await clusterOf(5);
  await cluster.manager.changeDuty(2, "drain", new AbortController().signal);
  expect(placements.isLive(2)).toBe(true);
  expect(placements.isStaying(2)).toBe(false);
  // Three copies, of which two stay.
  expect(placements.leaverOf([1, 2, 3], 3)).toBeUndefined();
  expect(placements.leaverOf([1, 2, 3, 4], 3)).toBe(2);
  expect(placements.leaverOf([1, 2, 3, 4, 5], 3)).toBe(2);
  expect(placements.leaverOf([1, 3, 4, 5], 3)).not.toBe(2);
});

test("a copy may go only while more than the wanted ones are on nodes that are well", async () => {
  const { placements } = await clusterOf(4);
  expect([1, 4]).toContain(placements.leaverOf([1, 2, 3, 4], 3));
  expect(placements.leaverOf([1, 2, 3], 3)).toBeUndefined();
  expect(placements.leaverOf([1, 2, 3, 99], 3)).toBeUndefined();
});

test("a drained node proves nothing for an upload any more, until it is back in service", async () => {
  const { cluster, placements } = await clusterOf(3);
  const never = new AbortController().signal;
  await cluster.manager.changeDuty(2, "drain", never);
  expect(placements.receiptKeyOf(2)).toBeDefined();
  await cluster.manager.changeDuty(2, "emptied", never);
  expect(placements.receiptKeyOf(2)).toBeUndefined();
  expect(placements.memberKeyOf(2)).toBeDefined();
  await cluster.manager.changeDuty(2, "undrain", never);
  expect(placements.receiptKeyOf(2)).toBeDefined();
});
