import { CairnError } from "@cairnfs/base/errors";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { MIB } from "./testing/field.ts";
import { MoverCluster } from "./testing/mover-cluster.ts";

const places = (count: number) => Array.from({ length: count }, () => ({}));

test("a drained node has no copy left, and each chunk has its wanted copies elsewhere", async () => {
  const cluster = await MoverCluster.open(places(5));
  const ids: ChunkId[] = [];
  for (let number = 0; number < 60; number++) {
    ids.push(await cluster.chunk(number, [1, 2 + (number % 4), 2 + ((number + 1) % 4)]));
  }
  await cluster.change(1, "drain");
  await cluster.until(() => expect(cluster.stateOf(1)).toBe("drained"));
  for (const id of ids) {
    const holders = await cluster.holdersOf(id);
    expect(holders).toHaveLength(3);
    expect(holders).not.toContain(1);
    for (const number of holders) expect(cluster.node(number).chunks.has(id)).toBe(true);
  }
  // The node is told to delete each of its copies.
  expect(await cluster.dropsOf(1)).toHaveLength(60);
  expect(cluster.mover.progress.releasedOf(1)).toEqual({ chunks: 60, bytes: 60 * MIB });
});

test("no copy goes before the wanted ones elsewhere have been read: a bad one is reported, and the old copy stays", async () => {
  const cluster = await MoverCluster.open(places(4));
  const id = await cluster.chunk(1, [1, 2, 3]);
  cluster.node(2).chunks.set(id, { lengthBytes: MIB, epoch: 1, isCorrupt: true });
  await cluster.change(1, "drain");
  await cluster.until(() => expect(cluster.reports).toContainEqual({ chunkId: id, nodeNumber: 2 }));
  expect(await cluster.holdersOf(id)).toEqual([1, 2, 3, 4]);
  expect(cluster.stateOf(1)).toBe("draining");
  cluster.node(2).chunks.set(id, { lengthBytes: MIB, epoch: 1, isCorrupt: false });
  await cluster.until(() => expect(cluster.stateOf(1)).toBe("drained"));
  expect(await cluster.holdersOf(id)).toEqual([2, 3, 4]);
});

test("copies too many are read and let go within the budget", async () => {
  const cluster = await MoverCluster.open(places(4), { moveBytesPerSecond: MIB });
  for (let number = 0; number < 40; number++) await cluster.chunk(number, [1, 2, 3, 4]);
  const left = async () => {
    const records = [...(await cluster.records()).values()];
    return records.filter((record) => record.nodeNumbers.length > 3).length;
  };
  await cluster.running(async (pass) => {
    for (let second = 0; second < 10; second++) await pass(1000);
    expect(await left()).toBeGreaterThanOrEqual(28);
  });
  await cluster.until(async () => expect(await left()).toBe(0));
});

test("a drain does not end while clients may still store on the node", async () => {
  const cluster = await MoverCluster.open(places(5));
  await cluster.chunk(1, [1, 2, 3]);
  cluster.times.note([1]);
  await cluster.change(1, "drain");
  await cluster.running(async (pass) => {
    for (let second = 0; second < 20; second++) await pass(1000);
    // It was placed before the drain, and comes behind the first walk.
    await cluster.chunk(2, [1, 2, 3]);
    for (let second = 0; second < 9; second++) await pass(1000);
    expect(cluster.stateOf(1)).toBe("draining");
  });
  await cluster.until(() => expect(cluster.stateOf(1)).toBe("drained"));
  for (const record of (await cluster.records()).values()) {
    expect(record.nodeNumbers).toHaveLength(3);
    expect(record.nodeNumbers).not.toContain(1);
  }
});

test("a drain that was stopped and begun again during a walk is not ended by that walk", async () => {
  const cluster = await MoverCluster.open(places(5));
  for (let number = 1; number < 600; number++) await cluster.chunk(number, [2, 3, 4]);
  await cluster.change(1, "drain");
  const never = new AbortController().signal;
  await cluster.mover.step(never);
  await cluster.mover.step(never);
  expect(cluster.mover.progress.walkShare).toBeGreaterThan(0.2);
  await cluster.change(1, "undrain");
  // Its id is the lowest: the walk has passed it.
  const id = await cluster.chunk(0, [1, 2, 3]);
  await cluster.change(1, "drain");
  let whenDrained: Promise<readonly number[]> | undefined;
  cluster.membership.manager.onStateChange(() => {
    if (cluster.stateOf(1) === "drained") whenDrained ??= cluster.holdersOf(id);
  });
  await cluster.until(() => expect(whenDrained).toBeDefined());
  expect(await whenDrained).not.toContain(1);
});

test("a drain that cannot go on waits, and goes on when a node joins", async () => {
  const cluster = await MoverCluster.open(places(3));
  const id = await cluster.chunk(1, [1, 2, 3]);
  await cluster.change(1, "drain");
  await cluster.running(async (pass) => {
    for (let second = 0; second < 30; second++) await pass(1000);
  });
  expect(await cluster.holdersOf(id)).toEqual([1, 2, 3]);
  expect(cluster.stateOf(1)).toBe("draining");
  await cluster.join();
  await cluster.until(() => expect(cluster.stateOf(1)).toBe("drained"));
  expect(await cluster.holdersOf(id)).toEqual([2, 3, 4]);
});

test("an undrain ends the moves, and what was copied already is let go again as too many", async () => {
  const cluster = await MoverCluster.open(places(5), { moveBytesPerSecond: MIB });
  for (let number = 0; number < 40; number++) await cluster.chunk(number, [1, 2, 3]);
  await cluster.change(1, "drain");
  await cluster.until(() => expect(cluster.mover.progress.releasedOf(1).chunks).toBeGreaterThan(3));
  await cluster.change(1, "undrain");
  await cluster.until(() => expect(cluster.mover.isWorking).toBe(false));
  const records = [...(await cluster.records()).values()];
  expect(records.every((record) => record.nodeNumbers.length === 3)).toBe(true);
  expect(records.filter((record) => record.nodeNumbers.includes(1)).length).toBeGreaterThan(25);
  expect(cluster.stateOf(1)).toBe("inService");
});

test("a drain goes on where it was when the coordinator starts again", async () => {
  const cluster = await MoverCluster.open(places(5), { moveBytesPerSecond: MIB });
  for (let number = 0; number < 20; number++) await cluster.chunk(number, [1, 2, 3]);
  await cluster.change(1, "drain");
  await cluster.until(() => expect(cluster.mover.progress.releasedOf(1).chunks).toBeGreaterThan(2));
  // The mover was stopped in the middle; the records are all that it goes on from.
  await cluster.until(() => expect(cluster.stateOf(1)).toBe("drained"));
});

test("a draining node that dies is left to repair, and leaves the records when enough others stay", async () => {
  const cluster = await MoverCluster.open(places(5));
  const id = await cluster.chunk(1, [1, 2, 3, 4]);
  cluster.silent.add(1);
  await cluster.running(async (pass) => {
    for (let second = 0; second < 70; second++) {
      await pass(1000);
      cluster.membership.manager.sweep(0);
    }
    await cluster.change(1, "drain");
  });
  await cluster.until(() => expect(cluster.stateOf(1)).toBe("drained"));
  expect(await cluster.holdersOf(id)).toEqual([2, 3, 4]);
});

test("copies that share a zone spread over zones that come, and the mover rests then", async () => {
  const cluster = await MoverCluster.open([
    { zone: "a" },
    { zone: "a" },
    { zone: "b" },
    { zone: "b" },
  ]);
  const ids: ChunkId[] = [];
  for (let number = 0; number < 30; number++) ids.push(await cluster.chunk(number, [1, 2, 3]));
  await cluster.until(() => expect(cluster.mover.progress.asOfMs).toBeGreaterThan(0));
  expect(cluster.mover.progress.misplaced).toEqual({ chunks: 0, bytes: 0 });
  await cluster.join({ zone: "c" });
  await cluster.until(async () => {
    for (const id of ids) expect(await cluster.holdersOf(id)).toContain(5);
    expect(cluster.mover.isWorking).toBe(false);
  });
  for (const id of ids) expect(await cluster.holdersOf(id)).toHaveLength(3);
  expect(cluster.mover.progress.misplaced).toEqual({ chunks: 0, bytes: 0 });
});

test("an empty node of another size is filled to the share of the others", async () => {
  const capacityBytes = 400 * MIB;
  const sized = Array.from({ length: 4 }, () => ({ capacityBytes }));
  const cluster = await MoverCluster.open(sized);
  for (let number = 0; number < 160; number++) {
    await cluster.chunk(number, [1 + (number % 4), 1 + ((number + 1) % 4)], { wantedCopies: 2 });
  }
  await cluster.until(() => expect(cluster.mover.isWorking).toBe(false));
  await cluster.join({ capacityBytes: 200 * MIB });
  await cluster.until(async () => {
    const { above, below } = cluster.mover.progress.balance;
    expect(cluster.mover.progress.asOfMs).toBeGreaterThan(0);
    expect(cluster.mover.isWorking).toBe(false);
    expect(Math.max(above, -below)).toBeLessThan(0.05);
    expect(await keptBy(cluster, 5)).toBeGreaterThan(25);
  });
  // The mean is 17.8 %: 35 of 200.
  expect(await keptBy(cluster, 5)).toBeLessThan(46);
});

test("where balancing is off nothing moves for it until it is asked for", async () => {
  const sized = Array.from({ length: 3 }, () => ({ capacityBytes: 100 * MIB }));
  const cluster = await MoverCluster.open(sized, { rebalance: false });
  for (let number = 0; number < 60; number++) {
    await cluster.chunk(number, [1 + (number % 2)], { wantedCopies: 1 });
  }
  await cluster.running(async (pass) => {
    for (let second = 0; second < 20; second++) await pass(1000);
  });
  expect(await keptBy(cluster, 3)).toBe(0);
  cluster.mover.startRebalance();
  await cluster.until(async () => expect(await keptBy(cluster, 3)).toBeGreaterThan(14));
});

test("a node that does not take copies is passed over for another", async () => {
  const cluster = await MoverCluster.open(places(5));
  for (let number = 0; number < 10; number++) await cluster.chunk(number, [1, 2, 3]);
  cluster.node(4).failure = new CairnError("storeFull", "no room");
  await cluster.change(1, "drain");
  await cluster.until(() => expect(cluster.stateOf(1)).toBe("drained"));
  for (const record of (await cluster.records()).values()) {
    expect([...record.nodeNumbers].sort()).toEqual([2, 3, 5]);
  }
});

test("while repair has work only draining nodes are cared for, and debt that nobody can pay holds nothing up for long", async () => {
  const cluster = await MoverCluster.open([{ zone: "a" }, { zone: "a" }, { zone: "b" }]);
  const misplaced = await cluster.chunk(1, [1, 2], { wantedCopies: 2 });
  const owed = await cluster.chunk(2, [3], { wantedCopies: 4 });
  cluster.repairProgress.runningChunks = 1;
  await cluster.running(async (pass) => {
    for (let second = 0; second < 60; second++) await pass(1000);
  });
  expect(await cluster.holdersOf(misplaced)).toEqual([1, 2]);
  expect(cluster.mover.waitsForRepair).toBe(true);
  cluster.repairProgress.runningChunks = 0;
  await cluster.until(async () => expect(await cluster.holdersOf(misplaced)).toContain(3));
  expect(await cluster.holdersOf(owed)).toEqual([3]);
});

test("debt that only waits for its nodes to come back holds no moves up", async () => {
  const cluster = await MoverCluster.open([{ zone: "a" }, { zone: "a" }, { zone: "b" }]);
  const misplaced = await cluster.chunk(1, [1, 2], { wantedCopies: 2 });
  await cluster.chunk(2, [3], { wantedCopies: 4 });
  cluster.repairProgress.waitingChunks = 1;
  await cluster.running(async (pass) => {
    for (let second = 0; second < 20; second++) await pass(1000);
  });
  expect(await cluster.holdersOf(misplaced)).toContain(3);
});

test("with nothing to do the mover neither writes nor walks", async () => {
  const cluster = await MoverCluster.open(places(4));
  for (let number = 0; number < 30; number++) await cluster.chunk(number, [1, 2, 3]);
  await cluster.until(() => expect(cluster.mover.isWorking).toBe(false));
  const { kv } = cluster.membership;
  let uses = 0;
  const read = kv.read.bind(kv);
  kv.read = (body) => {
    uses += 1;
    return read(body);
  };
  const transact = kv.transact.bind(kv);
  kv.transact = (body, options) => {
    uses += 1;
    return transact(body, options);
  };
  await cluster.running(async (pass) => {
    await pass(1000);
    uses = 0;
    for (let minute = 0; minute < 30; minute++) {
      for (let at = 0; at < 12; at++) await pass(5000);
    }
  });
  expect(uses).toBe(0);
});

async function keptBy(cluster: MoverCluster, nodeNumber: number): Promise<number> {
  const records = await cluster.records();
  return [...records.values()].filter((record) => record.nodeNumbers.includes(nodeNumber)).length;
}
