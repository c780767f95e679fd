import { CairnError } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { RateBudget } from "@cairnfs/base/rate-budget";
import { silentLogger } from "@cairnfs/base/telemetry";
import { eventually } from "@cairnfs/base/testing/eventually";
import { expect, test } from "vitest";
import type { ReplicaVerifier } from "../chunks/replica-verifier.ts";
import { forgetReplica } from "../chunks/replicas.ts";
import { readEpoch } from "../single-values.ts";
import { ReplicaReadmission } from "./replica-readmission.ts";
import { HealingCluster } from "./testing/healing-cluster.ts";

const never = new AbortController().signal;

async function forget(cluster: HealingCluster, id: Parameters<HealingCluster["recordOf"]>[0]) {
  const isLive = (nodeNumber: number) => cluster.placements.isLive(nodeNumber);
  await cluster.kv.transact((tx) =>
    forgetReplica(tx, id, { nodeNumber: 3, deletes: false }, isLive),
  );
}

test("a copy that a node holds intact and no record names is taken back in where it is owed, under the present epoch", async () => {
  const cluster = await HealingCluster.open(4);
  const id = await cluster.chunk(1, [1, 2, 3]);
  await forget(cluster, id);
  expect(await cluster.debt()).toEqual([[2, id]]);
  expect(await cluster.healing.readmission.admit(3, [id], never)).toBe(1);
  expect(await cluster.holdersOf(id)).toEqual([1, 2, 3]);
  expect(await cluster.debt()).toEqual([]);
  const epoch = await cluster.kv.read(readEpoch);
  expect(cluster.node(3).chunks.get(id)?.epoch).toBe(epoch);
  // Nothing was copied.
  expect(cluster.node(4).chunks.size).toBe(0);
});

test("a corrupt copy, one that is not owed and one that is proved wrongly stay out", async () => {
  const cluster = await HealingCluster.open(4);
  const corrupt = await cluster.chunk(1, [1, 2, 3]);
  const paid = await cluster.chunk(2, [1, 2, 4]);
  const unproved = await cluster.chunk(3, [1, 2, 3]);
  await forget(cluster, corrupt);
  await forget(cluster, unproved);
  const copy = { lengthBytes: 1000, epoch: 1, isCorrupt: false };
  cluster.node(3).chunks.set(corrupt, { ...copy, isCorrupt: true });
  cluster.node(3).chunks.set(paid, copy);
  const { readmission } = cluster.healing;
  expect(await readmission.admit(3, [corrupt, paid], never)).toBe(0);
  cluster.node(3).receiptKey = Buffer.alloc(32, 1);
  await expect(readmission.admit(3, [unproved], never)).rejects.toMatchObject({
    reason: "receiptInvalid",
  });
  expect(await cluster.holdersOf(corrupt)).toEqual([1, 2]);
  expect(await cluster.holdersOf(paid)).toEqual([1, 2, 4]);
  expect(await cluster.holdersOf(unproved)).toEqual([1, 2]);
});

/** Forgotten copies of node 3, and a readmission that reads them by `verifier` at a thousand bytes a second: one copy each. */
async function forgottenCopies(count: number, verifier: ReplicaVerifier) {
  const cluster = await HealingCluster.open(3);
  const ids = [];
  for (let number = 1; number <= count; number++) ids.push(await cluster.chunk(number, [1, 2, 3]));
  for (const id of ids) await forget(cluster, id);
  const { kv, clock, calls, placements } = cluster;
  const readmission = new ReplicaReadmission({
    kv,
    calls,
    placements,
    verifier,
    random: new Prng(1),
    budget: new RateBudget(clock, 1000),
    logger: silentLogger,
  });
  return { cluster, ids, readmission };
}

test("copies are read at the pace of repair, however many are held", async () => {
  let reads = 0;
  const verify = async () => {
    reads += 1;
    return "intact" as const;
  };
  const { cluster, ids, readmission } = await forgottenCopies(40, { verify });
  const admitted = readmission.admit(3, ids, never);
  for (const seconds of [10, 20]) {
    await eventually(async () => {
      await cluster.clock.advance(0);
      expect(reads).toBeGreaterThan(seconds - 10);
    });
    for (let second = 0; second < 10; second++) {
      await cluster.clock.advance(1000);
      await new Promise(setImmediate);
    }
    expect(reads).toBeLessThanOrEqual(seconds + 2);
  }
  let isDone = false;
  void admitted.finally(() => {
    isDone = true;
  });
  await eventually(async () => {
    await cluster.clock.advance(1000);
    expect(isDone).toBe(true);
  });
  expect(await admitted).toBe(40);
  expect(await cluster.debt()).toEqual([]);
});

test("a copy that its disk does not give holds up none of the others, and a node that is away ends it at once", async () => {
  let isAway = false;
  let asked = 0;
  const { cluster, ids, readmission } = await forgottenCopies(8, {
    verify: async ({ chunkId }) => {
      asked += 1;
      if (isAway) throw new CairnError("unreachable", "the node is away");
      if (chunkId === ids[0]) throw new CairnError("storeFailed", "the disk failed");
      return "intact";
    },
  });
  const [first, ...others] = ids;
  const running = readmission.admit(3, ids, never);
  let isDone = false;
  void running.finally(() => {
    isDone = true;
  });
  await eventually(async () => {
    await cluster.clock.advance(1000);
    expect(isDone).toBe(true);
  });
  expect(await running).toBe(others.length);
  expect(await cluster.debt()).toEqual([[2, first]]);

  isAway = true;
  asked = 0;
  for (const id of others) await forget(cluster, id);
  await cluster.clock.advance(60_000);
  await expect(readmission.admit(3, ids, never)).rejects.toMatchObject({ reason: "unreachable" });
  await cluster.clock.advance(60_000);
  expect(asked).toBeLessThanOrEqual(4);
});
