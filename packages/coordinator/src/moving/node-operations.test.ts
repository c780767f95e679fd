import { hasReason } from "@cairnfs/base/errors";
import { expect, test } from "vitest";
import { foretellMoves } from "./foretell-moves.ts";
import { NodeOperations } from "./node-operations.ts";
import { MIB } from "./testing/field.ts";
import { MoverCluster } from "./testing/mover-cluster.ts";

const never = new AbortController().signal;
const places = (count: number) => Array.from({ length: count }, () => ({}));

function operationsOf(cluster: MoverCluster): NodeOperations {
  const { kv, clock, manager: nodes } = cluster.membership;
  const { placements, mover } = cluster;
  return new NodeOperations({
    kv,
    clock,
    nodes,
    mover,
    isLive: (nodeNumber) => placements.isLive(nodeNumber),
    foretell: (emptied) => foretell(cluster, emptied),
  });
}

/** The plan; time passes while it is made. */
async function foretell(cluster: MoverCluster, emptied: number | undefined) {
  const { kv, clock, manager: nodes } = cluster.membership;
  const parts = { kv, clock, nodes, placements: cluster.placements };
  const walk = foretellMoves(parts, { emptied, balanceThreshold: 0.05 }, never);
  for (;;) {
    const { done, value } = await passing(cluster, walk.next());
    if (done) return value;
  }
}

async function passing<T>(cluster: MoverCluster, task: Promise<T>): Promise<T> {
  let isOver = false;
  const over = task.finally(() => {
    isOver = true;
  });
  over.catch(() => undefined);
  while (!isOver) {
    await cluster.membership.clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return over;
}

async function refusal(task: Promise<unknown>): Promise<string> {
  const error = await task.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!hasReason(error, "preconditionFailed")) throw error;
  return error.message;
}

test("a plan says what a drain would move, from where to where, and moves nothing", async () => {
  const cluster = await MoverCluster.open(places(5));
  for (let number = 0; number < 30; number++) {
    await cluster.chunk(number, number < 20 ? [1, 2, 3] : [2, 3, 4]);
  }
  const plan = await foretell(cluster, 1);
  expect(plan).toMatchObject({ chunks: 20, bytes: 20 * MIB, blockedChunks: 0, usableNodes: 4 });
  expect(plan.bytesBy).toEqual({ drain: 20 * MIB, spread: 0, balance: 0 });
  expect(plan.flows.every(({ from, to }) => from === 1 && (to === 4 || to === 5))).toBe(true);
  expect(plan.flows.reduce((sum, flow) => sum + flow.chunks, 0)).toBe(20);
  expect(plan.nodes.find(({ nodeNumber }) => nodeNumber === 1)).toMatchObject({
    keptBytes: 20 * MIB,
    keptAfterBytes: 0,
  });
  const records = [...(await cluster.records()).values()];
  expect(records.filter(({ nodeNumbers }) => nodeNumbers.includes(1))).toHaveLength(20);
});

test("a plan tells what cannot go anywhere, what waits for repair, and what would be less spread", async () => {
  const cluster = await MoverCluster.open([{ zone: "a" }, { zone: "a" }, { zone: "b" }, {}]);
  await cluster.chunk(1, [1, 2, 3, 4], { wantedCopies: 4 });
  await cluster.chunk(2, [3], { wantedCopies: 2 });
  await cluster.chunk(3, [1, 3], { wantedCopies: 2 });
  const plan = await foretell(cluster, 3);
  expect(plan).toMatchObject({ blockedChunks: 1, copiesWantedMax: 4, usableNodes: 3 });
  expect(plan.waitingChunks).toBe(1);
  const narrow = await MoverCluster.open([{ zone: "a" }, { zone: "a" }, { zone: "b" }]);
  await narrow.chunk(1, [1, 3], { wantedCopies: 2 });
  expect(await foretell(narrow, 3)).toMatchObject({ chunks: 1, lessSpreadChunks: 1 });
});

test("a plan without a node tells what spread and balance would move", async () => {
  const capacityBytes = 100 * MIB;
  const sized = ["a", "a", "b"].map((zone) => ({ zone, capacityBytes }));
  const cluster = await MoverCluster.open(sized);
  for (let number = 0; number < 40; number++) {
    await cluster.chunk(number, number < 10 ? [1, 2] : [1], { wantedCopies: number < 10 ? 2 : 1 });
  }
  const plan = await foretell(cluster, undefined);
  expect(plan.bytesBy.spread).toBe(10 * MIB);
  expect(plan.bytesBy.balance).toBeGreaterThan(5 * MIB);
  const shares = plan.nodes.map((node) => node.keptAfterBytes / node.capacityBytes);
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(0.1);
});

test("a drain that could not end is refused, says what to do, and is started when it is forced", async () => {
  const cluster = await MoverCluster.open(places(3));
  await cluster.chunk(1, [1, 2, 3]);
  const operations = operationsOf(cluster);
  expect(await refusal(operations.drain("1", { force: false }, never))).toMatch(
    /node 1 cannot be emptied: 1 chunk of 1048576 bytes cannot go to any node; 3 copies are wanted and 2 healthy nodes would be left: add a node first/u,
  );
  expect(cluster.stateOf(1)).toBe("inService");
  await operations.drain("1", { force: true }, never);
  expect(cluster.stateOf(1)).toBe("draining");
  // Again it changes nothing.
  await operations.drain("1", { force: false }, never);
  expect((await operations.undrain("1", never)).duty).toBe("inService");
  expect((await operations.undrain("1", never)).duty).toBe("inService");
});

test("a node in use is not removed", async () => {
  const cluster = await MoverCluster.open(places(4));
  await cluster.chunk(1, [1, 2, 3]);
  const operations = operationsOf(cluster);
  const options = { force: false, acceptedLostChunks: 0 };
  expect(await refusal(operations.remove("1", options, never))).toMatch(/healthy: drain it first/u);
  await operations.drain("1", { force: true }, never);
  expect(await refusal(operations.remove("1", options, never))).toMatch(
    /wait until it is drained/u,
  );
  await cluster.until(() => expect(cluster.stateOf(1)).toBe("drained"));
  expect(await operations.remove("1", options, never)).toEqual({
    nodeNumber: 1,
    namedChunks: 0,
    soleChunks: 0,
  });
  expect(cluster.stateOf(1)).toBeUndefined();
});

test("a drained node that a record names again is not removed, but emptied once more", async () => {
  const cluster = await MoverCluster.open(places(4));
  const operations = operationsOf(cluster);
  await operations.drain("1", { force: true }, never);
  await cluster.until(() => expect(cluster.stateOf(1)).toBe("drained"));
  const id = await cluster.chunk(1, [1, 2, 3]);
  const options = { force: false, acceptedLostChunks: 0 };
  expect(await refusal(operations.remove("1", options, never))).toMatch(/are being moved/u);
  await cluster.until(async () => expect(await cluster.holdersOf(id)).toEqual([2, 3, 4]));
  await operations.remove("1", options, never);
});

test("a dead node is removed unless it has the only copies; the loss has to be accepted by number", async () => {
  const cluster = await MoverCluster.open(places(3));
  await cluster.chunk(1, [1, 2], { wantedCopies: 2 });
  await cluster.chunk(2, [1], { wantedCopies: 2 });
  await cluster.chunk(3, [1], { wantedCopies: 1, state: "garbage", references: 0 });
  cluster.silent.add(1);
  await cluster.running(async (pass) => {
    for (let second = 0; second < 70; second++) {
      await pass(1000);
      cluster.membership.manager.sweep(0);
    }
  });
  const operations = operationsOf(cluster);
  const remove = (force: boolean, acceptedLostChunks: number) =>
    operations.remove("1", { force, acceptedLostChunks }, never);
  expect(await refusal(remove(false, 0))).toMatch(
    /1 chunks have their only copies on node 1 and would be lost with it: bring it back/u,
  );
  expect(await refusal(remove(true, 0))).toMatch(/accept the loss of 1 chunks/u);
  expect(await remove(true, 1)).toEqual({ nodeNumber: 1, namedChunks: 3, soleChunks: 1 });
});
