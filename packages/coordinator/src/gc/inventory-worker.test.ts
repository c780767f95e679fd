import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { readCounters } from "../counters.ts";
import { drops } from "../keyspace.ts";
import { chunkOf } from "../namespace/testing/fake-nodes.ts";
import { TestNamespace } from "../namespace/testing/test-namespace.ts";

const A = chunkOf("a");
const KIB_64 = 65_536n;

/** Moves the horizon past what has been stored until now. */
async function passHorizon(ns: TestNamespace): Promise<void> {
  await ns.run("horizon");
  await ns.clock.advance(ns.settings.receiptLifeMs);
  await ns.run("horizon");
}

/** Compares with every node once. */
async function compareAll(ns: TestNamespace): Promise<void> {
  const signal = new AbortController().signal;
  await ns.clock.advance(ns.settings.inventoryIntervalMs);
  for (let node = 0; node < ns.nodes.nodeNumbers().length; node++) {
    await ns.worker("inventories").step(signal);
  }
}

test("copies of an upload that never handed them in are deleted once nobody can any more", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/kept", [chunkOf("kept")]);
  const { sessionId } = await ns.call("beginUpload", { path: "/f" });
  await ns.store(sessionId, [A]);
  await compareAll(ns);
  expect(await ns.kv.read((reader) => drops.page(reader, { limit: 10 }))).toEqual([]);

  await passHorizon(ns);
  await compareAll(ns);
  await ns.run("drops");
  expect(ns.nodes.holdersOf(A.chunkId)).toEqual([]);
  expect(ns.nodes.holdersOf(chunkOf("kept").chunkId)).toHaveLength(3);
  expect(await ns.violations()).toEqual([]);
});

test("a copy that is stored again after the comparison is not touched by what it decided", async () => {
  await using ns = await TestNamespace.open();
  const { sessionId } = await ns.call("beginUpload", { path: "/f" });
  await ns.store(sessionId, [A]);
  await passHorizon(ns);
  await compareAll(ns);
  await ns.upload("/g", [A]);
  await ns.run("drops");
  const { chunks } = await ns.call("openFile", { path: "/g" });
  for (const nodeNumber of chunks[0]?.nodeNumbers ?? []) {
    expect(ns.nodes.holds(nodeNumber, A.chunkId)).toBe(true);
  }
  expect(await ns.violations()).toEqual([]);
});

test("a receipt from before the horizon does not name a copy that is being deleted", async () => {
  const hour = 3_600_000;
  const settings = { receiptLifeMs: hour, inventoryIntervalMs: hour };
  await using ns = await TestNamespace.open({ settings });
  const { sessionId } = await ns.call("beginUpload", { path: "/f" });
  const chunks = await ns.store(sessionId, [A]);
  await passHorizon(ns);
  await compareAll(ns);
  const commit = { sessionId, sizeBytes: KIB_64 };
  await expect(ns.call("commitUpload", { ...commit, chunks })).rejects.toMatchObject({
    reason: "chunkNeeded",
  });
  const again = await ns.store(sessionId, [A]);
  await ns.call("commitUpload", { ...commit, chunks: again });
  await ns.run("drops");
  const opened = await ns.call("openFile", { path: "/f" });
  for (const nodeNumber of opened.chunks[0]?.nodeNumbers ?? []) {
    expect(ns.nodes.holds(nodeNumber, A.chunkId)).toBe(true);
  }
  expect(await ns.violations()).toEqual([]);
});

test("a copy that a record names and the node has lost is found and owed", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/f", [A, chunkOf("b"), chunkOf("c")]);
  const [loser = 0] = ns.nodes.holdersOf(A.chunkId);
  ns.nodes.lose(loser, A.chunkId);
  await compareAll(ns);
  await ns.run("bad-replicas");
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(1);
  const { chunks } = await ns.call("openFile", { path: "/f" });
  expect(chunks[0]?.nodeNumbers).not.toContain(loser);
  expect(await ns.violations()).toEqual([]);
});

test("inventories of more than a page are compared page by page, and nothing in order is touched", async () => {
  await using ns = await TestNamespace.open({
    nodes: 2,
    settings: { defaultReplicationFactor: 2 },
  });
  const parts = Array.from({ length: 1100 }, (_, at) => chunkOf(`p${at}`, 100));
  await ns.upload("/f", parts);
  const lost = parts[734] ?? A;
  const [loser = 0] = ns.nodes.holdersOf(lost.chunkId);
  ns.nodes.lose(loser, lost.chunkId);
  await passHorizon(ns);
  for (let round = 0; round < 3; round++) await compareAll(ns);
  await ns.run("bad-replicas");
  await ns.run("drops");
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(1);
  const holders = parts.map((part) => ns.nodes.holdersOf(part.chunkId).length);
  expect(holders.filter((count) => count === 2)).toHaveLength(1099);
  expect(await ns.violations()).toEqual([]);
});

test("a node that is away is asked again later", async () => {
  await using ns = await TestNamespace.open({ nodes: 3 });
  await ns.upload("/f", [A]);
  ns.nodes.lose(2, A.chunkId);
  ns.nodes.dead.add(2);
  await compareAll(ns);
  await ns.run("bad-replicas");
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(0);
  ns.nodes.dead.delete(2);
  await compareAll(ns);
  await ns.run("bad-replicas");
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(1);
});

test("copies beyond the wanted ones go, and only those", async () => {
  await using ns = await TestNamespace.open({ nodes: 6 });
  for (let at = 0; at < 8; at++) await ns.upload(`/f${at}`, [A]);
  expect(ns.nodes.holdersOf(A.chunkId).length).toBeGreaterThan(3);
  for (let round = 0; round < 3; round++) await compareAll(ns);
  await ns.run("drops");
  expect(ns.nodes.holdersOf(A.chunkId)).toHaveLength(3);
  const { chunks } = await ns.call("openFile", { path: "/f0" });
  expect([...(chunks[0]?.nodeNumbers ?? [])].sort()).toEqual(ns.nodes.holdersOf(A.chunkId));
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(0);
  expect(await ns.violations()).toEqual([]);
});

test("a copy beyond the wanted ones stays while another is on a node that is away", async () => {
  await using ns = await TestNamespace.open({ nodes: 4 });
  for (let at = 0; at < 8; at++) await ns.upload(`/f${at}`, [A]);
  expect(ns.nodes.holdersOf(A.chunkId)).toHaveLength(4);
  ns.nodes.dead.add(1);
  for (let round = 0; round < 3; round++) await compareAll(ns);
  await ns.run("drops");
  expect(ns.nodes.holdersOf(A.chunkId)).toHaveLength(4);
});

test("a copy beyond the wanted ones stays while the others are not all there", async () => {
  await using ns = await TestNamespace.open({ nodes: 4 });
  for (let at = 0; at < 8; at++) await ns.upload(`/f${at}`, [A]);
  const [first = 0, second = 0, ...others] = ns.nodes.holdersOf(A.chunkId);
  expect(others).toHaveLength(2);
  ns.nodes.lose(first, A.chunkId);
  ns.nodes.corrupt.add(`${A.chunkId}/${second}`);
  for (let round = 0; round < 3; round++) {
    await compareAll(ns);
    await ns.run("bad-replicas");
    await ns.run("drops");
  }
  expect(ns.nodes.holdersOf(A.chunkId)).toEqual(expect.arrayContaining(others));
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(1);
});

test("a copy that no record names stays while its chunk has too few", async () => {
  await using ns = await TestNamespace.open({ nodes: 3 });
  await ns.upload("/f", [A]);
  const [forgotten = 0] = ns.nodes.holdersOf(A.chunkId);
  ns.nodes.corrupt.add(`${A.chunkId}/${forgotten}`);
  const chunkId = chunkIdToBytes(A.chunkId);
  await ns.call("reportBadReplica", { chunkId, nodeNumber: forgotten, kind: 1 });
  await ns.run("bad-replicas");
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(1);

  await passHorizon(ns);
  await compareAll(ns);
  await ns.run("drops");
  expect(ns.nodes.holdersOf(A.chunkId)).toContain(forgotten);
});

test("a finding is made again when the node has stored the chunk in the meantime", async () => {
  // Goal: an acknowledged copy is not fenced by what the node found before it had it.
  await using ns = await TestNamespace.open({
    nodes: 1,
    settings: { defaultReplicationFactor: 1 },
  });
  await ns.upload("/f", [A]);
  ns.nodes.lose(1, A.chunkId);
  ns.nodes.beforeFinding = async () => {
    ns.nodes.beforeFinding = async () => undefined;
    await ns.upload("/g", [A]);
  };
  const chunkId = chunkIdToBytes(A.chunkId);
  await ns.call("reportBadReplica", { chunkId, nodeNumber: 1, kind: 2 });
  await ns.run("bad-replicas");
  const { chunks } = await ns.call("openFile", { path: "/g" });
  expect(chunks[0]?.nodeNumbers).toEqual([1]);
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(0);
});

test("a node whose first page has more to report than can wait is compared again soon", async () => {
  await using ns = await TestNamespace.open({
    nodes: 2,
    settings: { defaultReplicationFactor: 2 },
  });
  const parts = Array.from({ length: 1100 }, (_, at) => chunkOf(`q${at}`, 100));
  await ns.upload("/f", parts);
  for (const { chunkId } of parts) for (const node of [1, 2]) ns.nodes.lose(node, chunkId);
  for (let round = 0; round < 4; round++) {
    // The first node's page fills what may wait, so that the second's is refused.
    for (let step = 0; step < 2; step++) {
      await ns.worker("inventories").step(new AbortController().signal);
    }
    await ns.run("bad-replicas");
  }
  const { chunks } = await ns.call("openFile", { path: "/f", chunkLimit: 1100 });
  expect(chunks.filter((chunk) => chunk.nodeNumbers.length > 0)).toEqual([]);
});
