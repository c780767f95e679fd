import { SystemClock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import { silentTelemetry } from "@cairnfs/base/telemetry";
import { eventually } from "@cairnfs/base/testing/eventually";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import { NodeState } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { MemoryNetwork } from "@cairnfs/protocol/memory/memory-network";
import { expect, test } from "vitest";
import { coordinatorSettings } from "./config.ts";
import { Coordinator } from "./coordinator.ts";
import { CoordinatorCluster } from "./testing/coordinator-cluster.ts";
import { MemoryNode } from "./testing/memory-node.ts";

const clock = new SystemClock();
const KIB = 1024;

test("a file goes in by placements and receipts, and its chunks are found at the nodes that proved them", async () => {
  await using cluster = await CoordinatorCluster.open(4);
  const begun = await cluster.client.beginUpload({ path: "/a/b.txt", parents: true });
  expect(begun).toMatchObject({ replicationFactor: 3, writeQuorum: 2 });
  const [placement] = begun.placements;
  expect(new Set(placement?.nodeNumbers).size).toBe(3);
  const placed = begun.nodes?.nodes.filter((node) =>
    placement?.nodeNumbers.includes(node.nodeNumber),
  );
  expect(placed?.map((node) => node.address).sort()).toEqual(
    placement?.nodeNumbers.map((number) => cluster.nodeNumbered(number).address).sort(),
  );

  const chunk = cluster.store(begun, "hello");
  const { sessionId } = begun;
  await cluster.client.commitUpload({ sessionId, chunks: [chunk], sizeBytes: 5n });
  const opened = await cluster.client.openFile({ path: "/a/b.txt" });
  expect(opened.chunks).toHaveLength(1);
  expect(opened.chunks[0]?.nodeNumbers.toSorted()).toEqual(placement?.nodeNumbers.toSorted());
  const listed = await cluster.client.list({ path: "/a" });
  expect(listed.entries.map((entry) => entry.name)).toEqual(["b.txt"]);
});

test("forged, borrowed and stale receipts are refused", async () => {
  await using cluster = await CoordinatorCluster.open(3);
  const begun = await cluster.client.beginUpload({ path: "/f" });
  const chunk = cluster.store(begun, "hello");
  const { sessionId } = begun;
  const commit = (changed: object) =>
    cluster.client.commitUpload({
      sessionId,
      chunks: [{ ...chunk, ...changed }],
      sizeBytes: chunk.lengthBytes,
    });

  const [first, second] = chunk.receipts;
  const forged = { nodeNumber: first?.nodeNumber ?? 0, mac: Buffer.alloc(16, 1) };
  await expect(commit({ receipts: [forged, second] })).rejects.toMatchObject({
    reason: "receiptInvalid",
  });
  const borrowed = { nodeNumber: first?.nodeNumber ?? 0, mac: second?.mac ?? Buffer.alloc(0) };
  await expect(commit({ receipts: [borrowed, second] })).rejects.toMatchObject({
    reason: "receiptInvalid",
  });
  await expect(commit({ epoch: chunk.epoch + 1n })).rejects.toMatchObject({
    reason: "receiptInvalid",
  });
  const other = await cluster.client.beginUpload({ path: "/g" });
  const elsewhere = cluster.client.commitUpload({
    sessionId: other.sessionId,
    chunks: [chunk],
    sizeBytes: chunk.lengthBytes,
  });
  await expect(elsewhere).rejects.toMatchObject({ reason: "receiptInvalid" });
  await expect(commit({ receipts: [first] })).rejects.toMatchObject({ reason: "quorumNotReached" });
  await commit({});
});

test("a coordinator that starts again on its store keeps files, sessions, members and its identity", async () => {
  await using cluster = await CoordinatorCluster.open(3);
  await cluster.put("/kept", "kept");
  const begun = await cluster.client.beginUpload({ path: "/resumed" });
  const chunk = cluster.store(begun, "resumed");
  const before = await cluster.client.getClusterState({});

  await cluster.restart();
  const after = await cluster.client.getClusterState({});
  expect(after.clusterId).toEqual(before.clusterId);
  expect(after.nodeTableVersion).toBeGreaterThan(before.nodeTableVersion);
  expect(after.nodes.map((node) => node.state)).toEqual(Array(3).fill(NodeState.SUSPECT));
  const refused = cluster.client.beginUpload({ path: "/too-early" });
  await expect(refused).rejects.toMatchObject({ reason: "placementUnavailable" });

  for (const node of cluster.nodes) expect(await node.beat()).toBe(true);
  expect((await cluster.client.openFile({ path: "/kept" })).chunks).toHaveLength(1);
  const leased = await cluster.client.leasePlacements({ sessionId: begun.sessionId, count: 1 });
  expect(leased.placements[0]?.nodeNumbers).toEqual(begun.placements[0]?.nodeNumbers);
  const { sessionId } = begun;
  await cluster.client.commitUpload({ sessionId, chunks: [chunk], sizeBytes: chunk.lengthBytes });
  const listed = await cluster.client.list({ path: "/" });
  expect(listed.entries.map((entry) => entry.name)).toEqual(["kept", "resumed"]);
});

test("a chunk committed with the quorum alone gets its third copy, and the state of the cluster says so", async () => {
  await using cluster = await CoordinatorCluster.open(4);
  await cluster.put("/f", "hello", 2);
  await eventually(async () => {
    const state = await cluster.client.getClusterState({});
    expect(state).toMatchObject({ underreplicatedChunks: 0n, lostChunks: 0n, chunkCount: 1n });
    const { chunks } = await cluster.client.openFile({ path: "/f" });
    expect(chunks[0]?.nodeNumbers).toHaveLength(3);
  }, 4000);
});

test("with repair off the debt stays and is shown", async () => {
  await using cluster = await CoordinatorCluster.open(3, { repairParallelism: 0 });
  await cluster.put("/f", "hello", 2);
  const state = await cluster.client.getClusterState({});
  expect(state).toMatchObject({
    underreplicatedChunks: 1n,
    underreplicatedBytes: 5n,
    lostChunks: 0n,
    fileCount: 1n,
    logicalBytes: 5n,
    uniqueBytes: 5n,
    defaultReplicationFactor: 3,
    version: "0.1.0",
  });
});

test("a copy that is reported bad and found bad is replaced", async () => {
  await using cluster = await CoordinatorCluster.open(4);
  await cluster.put("/f", "hello");
  const opened = await cluster.client.openFile({ path: "/f" });
  const [chunk] = opened.chunks;
  const bad = chunk?.nodeNumbers[0] ?? 0;
  const chunkId = chunk?.chunkId ?? Buffer.alloc(32);
  const copy = cluster.nodeNumbered(bad).chunks.get(chunkIdFromBytes(chunkId));
  if (copy !== undefined) copy.isCorrupt = true;
  await cluster.client.reportBadReplica({ chunkId, nodeNumber: bad, kind: 1 });
  await eventually(async () => {
    const { chunks } = await cluster.client.openFile({ path: "/f" });
    expect(chunks[0]?.nodeNumbers).toHaveLength(3);
    expect(chunks[0]?.nodeNumbers).not.toContain(bad);
  }, 5000);
});

test("a removed file's chunks are deleted from the nodes when the trash and the grace periods are over", async () => {
  await using cluster = await CoordinatorCluster.open(3, {
    trashMs: 20,
    contentGraceMs: 0,
    chunkGraceMs: 0,
  });
  await cluster.put("/f", "hello");
  expect(cluster.nodes.map((node) => node.chunks.size)).toEqual([1, 1, 1]);
  await cluster.client.remove({ path: "/f" });
  await eventually(() => {
    expect(cluster.nodes.map((node) => node.chunks.size)).toEqual([0, 0, 0]);
  }, 5000);
}, 10_000);

test("a second process with a living node's id is refused, since the first one still answers", async () => {
  await using cluster = await CoordinatorCluster.open(1);
  const twin = await MemoryNode.open(
    { network: cluster.network, clock },
    { name: "node-1", coordinator: cluster.coordinator.address },
  );
  await expect(twin.register()).rejects.toMatchObject({ reason: "nodeConflict" });
  await cluster.nodes[0]?.close();
  await twin.register();
  expect(twin.nodeNumber).toBe(1);
  await twin.close();
});

test("an upload with too few nodes is refused with how many there are", async () => {
  await using cluster = await CoordinatorCluster.open(1);
  await expect(cluster.client.beginUpload({ path: "/f" })).rejects.toMatchObject({
    reason: "placementUnavailable",
    message: expect.stringContaining("1 healthy nodes have room"),
  });
});

test("a chunk size that a policy sets is what placements look for room for", async () => {
  await using cluster = await CoordinatorCluster.open(3);
  const policy = { chunkSizeBytes: BigInt(64 * KIB), replicationFactor: 1 };
  const begun = await cluster.client.beginUpload({ path: "/f", policy });
  expect(begun).toMatchObject({ chunkSizeBytes: BigInt(64 * KIB), writeQuorum: 1 });
  expect(begun.placements[0]?.nodeNumbers).toHaveLength(1);
});

test("addresses that other machines can reach are refused unless that is allowed", async () => {
  const parts = {
    network: new MemoryNetwork(),
    kv: new MemoryKv(),
    clock,
    random: new Prng(1),
    telemetry: silentTelemetry,
  };
  for (const name of ["address", "grpcAddress"]) {
    const config = coordinatorSettings.parse({ [name]: "0.0.0.0:7070" });
    await expect(Coordinator.open(config, parts)).rejects.toThrow(
      `${name} is 0.0.0.0:7070, which other machines can reach`,
    );
  }
  const allowed = coordinatorSettings.parse({ address: "0.0.0.0:7070", allowInsecureBind: true });
  const coordinator = await Coordinator.open(allowed, parts);
  await coordinator.close();
});

test("a coordinator that cannot listen leaves nothing behind", async () => {
  const network = new MemoryNetwork();
  const kv = new MemoryKv();
  const parts = { network, kv, clock, random: new Prng(1), telemetry: silentTelemetry };
  const config = coordinatorSettings.parse({ address: "127.0.0.1:1" });
  const first = await Coordinator.open(config, parts);
  await expect(Coordinator.open(config, parts)).rejects.toMatchObject({ reason: "invalidConfig" });
  await first.close();
  const again = await Coordinator.open(config, parts);
  await again.close();
  await kv.close();
});

test("an unforeseen failure is logged once, with the request's id, and answered as internal", async () => {
  const logged: { readonly fields: unknown; readonly error: unknown }[] = [];
  const logger = {
    ...silentTelemetry.logger,
    error: (_: string, fields?: unknown, error?: unknown) => void logged.push({ fields, error }),
  };
  await using cluster = await CoordinatorCluster.open(0, {}, { ...silentTelemetry, logger });
  cluster.kv.read = () => Promise.reject(new TypeError("a bug"));
  const metadata = new Map([["cairn-request-id", "abc"]]);
  const failed = cluster.client.getClusterState({}, { metadata });
  await expect(failed).rejects.toMatchObject({ reason: "internal" });
  expect(logged).toHaveLength(1);
  expect(logged[0]?.fields).toMatchObject({ requestId: "abc" });
  expect(logged[0]?.error).toBeInstanceOf(TypeError);
});
