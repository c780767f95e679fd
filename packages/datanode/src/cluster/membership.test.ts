import { create } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { Health, NodeState, NodeUpdatesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { expect, test } from "vitest";
import { sampleChunk } from "../store/testing/sample-chunk.ts";
import { TrialCluster } from "../testing/trial-cluster.ts";
import { NodeCache } from "./node-cache.ts";

const updates = (version: bigint, nodes: object[], requiresFullResync = false) =>
  create(NodeUpdatesSchema, { version, requiresFullResync, nodes });

test("the copy of the node table takes updates in order, drops removed nodes and old news, and is replaced by a resync", () => {
  const cache = new NodeCache();
  expect(
    cache.apply(
      updates(
        3n,
        [
          { nodeNumber: 1, address: "a" },
          { nodeNumber: 2, address: "b" },
        ],
        true,
      ),
    ),
  ).toBe(true);
  expect(cache.apply(updates(5n, [{ nodeNumber: 2, address: "b2" }]))).toBe(true);
  expect(cache.apply(updates(4n, [{ nodeNumber: 2, address: "old" }]))).toBe(false);
  expect(cache.apply(updates(5n, []))).toBe(false);
  expect(cache.addressOf(2)).toBe("b2");
  cache.apply(updates(6n, [{ nodeNumber: 1, state: NodeState.REMOVED }]));
  expect(() => cache.addressOf(1)).toThrow(expect.objectContaining({ reason: "nodeNotFound" }));
  // A coordinator whose store was restored may be behind; what it calls the whole table is.
  expect(cache.apply(updates(2n, [{ nodeNumber: 9, address: "z" }], true))).toBe(true);
  expect([cache.size, cache.version, cache.addressOf(9)]).toEqual([1, 2n, "z"]);
  expect(cache.snapshot()).toMatchObject({ version: 2n, requiresFullResync: true });
});

test("the table is kept for the next start when a node is elsewhere, new or gone, and not for other news", () => {
  const cache = new NodeCache();
  const rows = [
    { nodeNumber: 1, address: "a" },
    { nodeNumber: 2, address: "b" },
  ];
  const isMove = (...given: Parameters<typeof updates>) => {
    const update = updates(...given);
    const answer = cache.isMove(update);
    cache.apply(update);
    return answer;
  };
  expect(isMove(1n, rows, true)).toBe(true);
  expect(isMove(2n, [{ ...rows[0], state: NodeState.SUSPECT }])).toBe(false);
  expect(isMove(3n, rows, true)).toBe(false);
  expect(isMove(4n, [{ nodeNumber: 2, address: "b2" }])).toBe(true);
  expect(isMove(5n, [{ nodeNumber: 3, address: "c" }])).toBe(true);
  expect(isMove(6n, [{ nodeNumber: 3, state: NodeState.REMOVED }])).toBe(true);
  expect(isMove(7n, [{ nodeNumber: 3, state: NodeState.REMOVED }])).toBe(false);
  // The same number of nodes, and not the same nodes.
  expect(
    isMove(
      8n,
      [
        { nodeNumber: 1, address: "a" },
        { nodeNumber: 4, address: "d" },
      ],
      true,
    ),
  ).toBe(true);
  expect(isMove(9n, [{ nodeNumber: 1, address: "a" }], true)).toBe(true);
});

test("a node comes up without a coordinator, says that it is no member, and joins when there is one", async () => {
  await using cluster = await TrialCluster.open(0);
  cluster.network.cut("coordinator");
  const joining = cluster.add({ heartbeatRetryMs: 100 });
  for (let turn = 0; turn < 20; turn++) await cluster.clock.advance(50);
  const [node] = cluster.nodes;
  expect(node?.datanode.nodeNumber).toBeUndefined();
  await expect(cluster.store(sampleChunk(5).bytes, { writeQuorum: 1 })).rejects.toMatchObject({
    reason: "nodeNotReady",
  });
  expect(await node?.client.healthCheck({})).toMatchObject({ nodeNumber: 0 });
  cluster.network.heal("coordinator");
  await joining;
  await cluster.clock.advance(2000);
  expect((await cluster.store(sampleChunk(5).bytes, { writeQuorum: 1 })).receipts).toHaveLength(1);
});

test("a node that the coordinator has forgotten registers again at its next heartbeat", async () => {
  await using cluster = await TrialCluster.open(1);
  expect(cluster.coordinator.registrations).toBe(1);
  cluster.coordinator.forget(1);
  await cluster.clock.advance(1100);
  expect(cluster.coordinator.registrations).toBe(2);
  expect(cluster.node(1).datanode.isRegistered).toBe(true);
});

test("heartbeats come a little early, at random, and never late", async () => {
  await using cluster = await TrialCluster.open(1);
  const { heartbeats } = cluster.coordinator;
  const before = heartbeats.length;
  const seconds = 200;
  for (let second = 0; second < seconds; second++) await cluster.clock.advance(1000);
  const heard = heartbeats.length - before;
  expect(heard).toBeGreaterThan(seconds * 1.02);
  expect(heard).toBeLessThanOrEqual(Math.ceil(seconds / 0.9));
});

test("a node hears of others by its heartbeats", async () => {
  await using cluster = await TrialCluster.open(1);
  await cluster.add();
  await cluster.clock.advance(1100);
  const stored = await cluster.store(sampleChunk(100).bytes);
  expect(stored.receipts).toHaveLength(2);
});

test("while the coordinator is away a node goes on, and is heard again afterwards", async () => {
  await using cluster = await TrialCluster.open(2, { heartbeatRetryMs: 100 });
  cluster.network.cut("coordinator");
  await cluster.clock.advance(60_000);
  expect((await cluster.store(sampleChunk(100).bytes)).receipts).toHaveLength(2);
  const before = cluster.coordinator.heartbeats.length;
  cluster.network.heal("coordinator");
  await cluster.clock.advance(2000);
  expect(cluster.coordinator.heartbeats.length).toBeGreaterThan(before);
});

test("a coordinator of another cluster is not joined", async () => {
  await using cluster = await TrialCluster.open(1, { heartbeatRetryMs: 100 });
  cluster.coordinator.clusterId = new Uint8Array(16).fill(0xee);
  cluster.coordinator.forget(1);
  await cluster.clock.advance(3000);
  const { datanode, client } = cluster.node(1);
  expect(datanode.isRegistered).toBe(false);
  expect((await client.healthCheck({})).clusterId[0]).toBe(2);
});

test("a node reports itself read-only while its disk does not write, and recovers by a probe", async () => {
  await using cluster = await TrialCluster.open(1, { diskProbeMs: 5000 });
  const { store, disk } = cluster.node(1);
  const healthOf = async () => {
    await cluster.clock.advance(1100);
    return cluster.coordinator.heartbeats.at(-1);
  };
  expect(await healthOf()).toBe(Health.OK);
  store.failWrites(new CairnError("storeFailed", "EIO"));
  await cluster.store(sampleChunk(5).bytes, { writeQuorum: 1 }).catch(() => undefined);
  store.failWrites(undefined);
  const heal = disk.fail({ code: "EIO", operations: ["write", "sync"] });
  await cluster.clock.advance(20_000);
  expect(await healthOf()).toBe(Health.READ_ONLY);
  heal();
  await cluster.clock.advance(6000);
  expect(await healthOf()).toBe(Health.OK);
});
