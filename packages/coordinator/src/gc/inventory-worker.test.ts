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

const signal = new AbortController().signal;
/** Between two steps of a round it pauses for less. */
const IDLE_PAUSE_MS_MIN = 1000;

/** Compares with every node once. */
async function compareAll(ns: TestNamespace): Promise<void> {
  await ns.clock.advance(ns.settings.inventoryIntervalMs);
  await compareDue(ns);
}

/** Compares with the nodes that are due, until none is; gives how many steps that took. */
async function compareDue(ns: TestNamespace): Promise<number> {
  for (let steps = 1; ; steps++) {
    expect(steps).toBeLessThan(1000);
    const next = await ns.worker("inventories").step(signal);
    if (typeof next === "object" && next.pauseMs >= IDLE_PAUSE_MS_MIN) return steps;
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

test("copies beyond the wanted ones are told of", async () => {
  await using ns = await TestNamespace.open({ nodes: 6 });
  await ns.upload("/f0", [A]);
  await compareAll(ns);
  expect(ns.surplusHeard).toBe(0);
  for (let at = 1; at < 8; at++) await ns.upload(`/f${at}`, [A]);
  expect(ns.nodes.holdersOf(A.chunkId).length).toBeGreaterThan(3);
  await ns.clock.advance(ns.settings.inventoryIntervalMs);
  await compareAll(ns);
  expect(ns.surplusHeard).toBeGreaterThan(0);
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
    // The first page fills what may wait, so that the next is refused.
    for (let step = 0; step < 8; step++) await ns.worker("inventories").step(signal);
    await ns.run("bad-replicas");
  }
  const { chunks } = await ns.call("openFile", { path: "/f", chunkLimit: 1100 });
  expect(chunks.filter((chunk) => chunk.nodeNumbers.length > 0)).toEqual([]);
});

test("however many nodes there are, the records are walked once for all of them", async () => {
  await using ns = await TestNamespace.open({ nodes: 12 });
  const parts = Array.from({ length: 2500 }, (_, at) => chunkOf(`w${at}`, 10));
  await ns.upload("/f", parts);
  const [loser = 0] = ns.nodes.holdersOf(parts[2345]?.chunkId ?? A.chunkId);
  ns.nodes.lose(loser, parts[2345]?.chunkId ?? A.chunkId);
  // Three pages of records; of each node one page of its about 625 copies; and the look that finds nothing due.
  expect(await compareDue(ns)).toBe(3 + 12 + 1);
  await ns.run("bad-replicas");
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(1);
  expect(await compareDue(ns)).toBe(1);
});

test("a node with many copies that no record names is compared to the end", async () => {
  await using ns = await TestNamespace.open({
    nodes: 1,
    settings: { defaultReplicationFactor: 1 },
  });
  const { sessionId } = await ns.call("beginUpload", { path: "/f" });
  const parts = Array.from({ length: 300 }, (_, at) => chunkOf(`o${at}`, 10));
  for (let at = 0; at < parts.length; at += 100) {
    await ns.store(sessionId, parts.slice(at, at + 100), BigInt(at));
  }
  await passHorizon(ns);
  // No records, so that each page is asked for with little room.
  await compareAll(ns);
  await ns.run("drops");
  expect(parts.filter((part) => ns.nodes.holdersOf(part.chunkId).length > 0)).toEqual([]);
});

test("what was removed or stored while the comparison went on is not reported", async () => {
  await using ns = await TestNamespace.open({
    nodes: 1,
    settings: { defaultReplicationFactor: 1 },
  });
  await ns.upload("/f", [A, chunkOf("b")]);
  // The records are read, the node is not asked yet; then the chunk goes, and its copy with it.
  await ns.worker("inventories").step(signal);
  await ns.call("remove", { path: "/f" });
  await ns.clock.advance(ns.settings.contentGraceMs + 1);
  await ns.run("tombstones");
  await ns.clock.advance(ns.settings.chunkGraceMs + 1);
  await ns.run("chunk-collector");
  await ns.run("drops");
  expect(ns.nodes.holdersOf(A.chunkId)).toEqual([]);
  await compareDue(ns);
  // Nothing waits to be looked at.
  expect(await ns.worker("bad-replicas").step(signal)).not.toBe("again");
});
