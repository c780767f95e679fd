import { expect, test } from "vitest";
import { readCounters } from "../counters.ts";
import { chunks, drops } from "../keyspace.ts";
import { chunkOf } from "../namespace/testing/fake-nodes.ts";
import { TestNamespace } from "../namespace/testing/test-namespace.ts";
import { epochMarks, readEpoch, readHorizon } from "../single-values.ts";

const A = chunkOf("a");
const B = chunkOf("b");
const KIB_64 = 65_536n;

function stateOf(ns: TestNamespace, chunk = A): Promise<string | undefined> {
  return ns.kv.read(async (reader) => (await chunks.get(reader, chunk.chunkId))?.state);
}

/** Moves on to when the chunks of what was removed have become garbage. */
async function untilGarbage(ns: TestNamespace): Promise<void> {
  await ns.clock.advance(ns.settings.contentGraceMs);
  await ns.runAll();
}

/** Moves on to when garbage has been deleted by the nodes that are there. */
async function untilDeleted(ns: TestNamespace): Promise<void> {
  await untilGarbage(ns);
  await ns.clock.advance(ns.settings.chunkGraceMs);
  await ns.run("chunk-collector");
  await ns.run("drops");
}

test("what is removed goes through its graces, and only then from the nodes", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/d/f", [A, B]);
  await ns.upload("/d/g", [B]);
  await ns.call("remove", { path: "/d/f" });
  await ns.runAll();
  expect(await stateOf(ns)).toBe("live");
  await untilGarbage(ns);
  expect(await stateOf(ns)).toBe("garbage");
  expect(await stateOf(ns, B)).toBe("live");
  await ns.clock.advance(ns.settings.chunkGraceMs - 1);
  await ns.runAll();
  expect(ns.nodes.holdersOf(A.chunkId)).toHaveLength(3);
  await ns.clock.advance(1);
  await ns.run("chunk-collector");
  expect(await stateOf(ns)).toBe("deleting");
  expect(await ns.violations()).toEqual([]);
  await ns.run("drops");
  expect(await stateOf(ns)).toBe("deleted");
  expect(ns.nodes.holdersOf(A.chunkId)).toEqual([]);
  expect(ns.nodes.holdersOf(B.chunkId).length).toBeGreaterThan(0);
  expect(await ns.violations()).toEqual([]);

  // A mark after the decision, the horizon at that mark, and the record's own time.
  for (let rest = 0; rest < 3; rest++) {
    await ns.run("horizon");
    await ns.clock.advance(ns.settings.receiptLifeMs);
    await ns.runAll();
  }
  expect(await stateOf(ns)).toBeUndefined();
  expect(await ns.kv.read(readCounters)).toMatchObject({ chunks: 1, garbageChunks: 0 });
  expect(await ns.violations()).toEqual([]);
});

test("garbage that is referred to again lives on", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/f", [A]);
  await ns.call("remove", { path: "/f" });
  await untilGarbage(ns);
  expect(await stateOf(ns)).toBe("garbage");
  await ns.upload("/g", [A]);
  await ns.clock.advance(10 * ns.settings.chunkGraceMs);
  await ns.runAll();
  expect(await stateOf(ns)).toBe("live");
  expect(ns.nodes.holdersOf(A.chunkId).length).toBeGreaterThanOrEqual(3);
  expect(await ns.violations()).toEqual([]);
});

test("receipts from before the decision to delete are void; a chunk sent again afterwards is kept", async () => {
  // Goal: neither a late writer nor a late deletion makes the record and the disks disagree.
  await using ns = await TestNamespace.open();
  await ns.upload("/f", [A]);
  await ns.call("remove", { path: "/f" });
  const { sessionId } = await ns.call("beginUpload", { path: "/late" });
  const early = await ns.store(sessionId, [A]);
  await untilGarbage(ns);
  await ns.clock.advance(ns.settings.chunkGraceMs);
  await ns.run("chunk-collector");
  expect(await stateOf(ns)).toBe("deleting");

  const commit = { sessionId, sizeBytes: KIB_64 };
  await expect(ns.call("commitUpload", { ...commit, chunks: early })).rejects.toMatchObject({
    reason: "chunkNeeded",
    details: { chunkIds: A.chunkId },
  });
  const again = await ns.store(sessionId, [A]);
  expect(again[0]?.epoch).toBeGreaterThan(early[0]?.epoch ?? 0n);
  await ns.call("commitUpload", { ...commit, chunks: again });
  expect(await stateOf(ns)).toBe("live");

  await ns.run("drops");
  const { chunks: located } = await ns.call("openFile", { path: "/late" });
  const named = located[0]?.nodeNumbers ?? [];
  expect(named).toHaveLength(3);
  for (const nodeNumber of named) expect(ns.nodes.holds(nodeNumber, A.chunkId)).toBe(true);
  expect(ns.nodes.holdersOf(A.chunkId).sort()).toEqual([...named].sort());
  expect(await ns.violations()).toEqual([]);
});

test("receipts of before stay void when the record is gone, because the horizon has passed them", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/f", [A]);
  const { sessionId } = await ns.call("beginUpload", { path: "/late" });
  const early = await ns.store(sessionId, [A]);
  await ns.call("remove", { path: "/f" });
  await untilDeleted(ns);
  for (let halfDays = 0; halfDays < 5; halfDays++) {
    await ns.clock.advance(ns.settings.receiptLifeMs / 2);
    await ns.call("getUpload", { sessionId });
    await ns.runAll();
  }
  expect(await stateOf(ns)).toBeUndefined();
  await expect(
    ns.call("commitUpload", { sessionId, chunks: early, sizeBytes: KIB_64 }),
  ).rejects.toMatchObject({ reason: "chunkNeeded" });
  const again = await ns.store(sessionId, [A]);
  await ns.call("commitUpload", { sessionId, chunks: again, sizeBytes: KIB_64 });
  expect(await ns.violations()).toEqual([]);
});

test("a commit that races with the collector either keeps the chunk or is told to send it again", async () => {
  await using ns = await TestNamespace.open();
  for (let round = 0; round < 20; round++) {
    const chunk = chunkOf(`round ${round}`);
    await ns.upload("/f", [chunk]);
    await ns.call("remove", { path: "/f" });
    await untilGarbage(ns);
    const { sessionId } = await ns.call("beginUpload", { path: "/g" });
    const stored = await ns.store(sessionId, [chunk]);
    await ns.clock.advance(ns.settings.chunkGraceMs);
    const [committed] = await Promise.allSettled([
      ns.call("commitUpload", { sessionId, chunks: stored, sizeBytes: KIB_64 }),
      ns.run("chunk-collector"),
    ]);
    await ns.run("drops");
    expect(await ns.violations()).toEqual([]);
    if (committed.status === "rejected") {
      expect(committed.reason).toMatchObject({ reason: "chunkNeeded" });
      continue;
    }
    const { chunks: located } = await ns.call("openFile", { path: "/g" });
    for (const nodeNumber of located[0]?.nodeNumbers ?? []) {
      expect(ns.nodes.holds(nodeNumber, chunk.chunkId)).toBe(true);
    }
  }
});

test("a node that is away is asked again when it is back, and keeps nobody waiting", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/f", [A]);
  const holders = ns.nodes.holdersOf(A.chunkId);
  const away = holders[0] ?? 0;
  await ns.call("remove", { path: "/f" });
  ns.nodes.dead.add(away);
  await untilDeleted(ns);
  expect(ns.nodes.holdersOf(A.chunkId)).toEqual([away]);
  expect(await stateOf(ns)).toBe("deleting");
  ns.nodes.dead.delete(away);
  await ns.clock.advance(60_000);
  await ns.run("drops");
  expect(ns.nodes.holdersOf(A.chunkId)).toEqual([]);
  expect(await stateOf(ns)).toBe("deleted");
  const left = await ns.kv.read((reader) => drops.page(reader, { limit: 10 }));
  expect(left).toEqual([]);
  expect(await ns.violations()).toEqual([]);
});

test("an answer to an earlier decision does not settle a later one", async () => {
  // Goal: while a node answers, the chunk is sent again, removed again, and its deletion decided again.
  await using ns = await TestNamespace.open({
    nodes: 2,
    settings: { defaultReplicationFactor: 2 },
  });
  await ns.upload("/f", [A]);
  await ns.call("remove", { path: "/f" });
  await untilGarbage(ns);
  await ns.clock.advance(ns.settings.chunkGraceMs);
  await ns.run("chunk-collector");
  ns.nodes.beforeAnswer = async () => {
    ns.nodes.beforeAnswer = async () => undefined;
    await ns.upload("/g", [A]);
    await ns.call("remove", { path: "/g" });
    await ns.clock.advance(ns.settings.contentGraceMs);
    await ns.run("tombstones");
    await ns.clock.advance(ns.settings.chunkGraceMs);
    await ns.run("chunk-collector");
  };
  const signal = new AbortController().signal;
  await ns.worker("drops").step(signal);
  expect(await stateOf(ns)).toBe("deleting");
  expect(await ns.violations()).toEqual([]);
  await ns.run("drops");
  expect(await stateOf(ns)).toBe("deleted");
  expect(ns.nodes.holdersOf(A.chunkId)).toEqual([]);
  expect(await ns.violations()).toEqual([]);
});

test("a large content is taken apart in bounded steps, each of which leaves a store in order", async () => {
  await using ns = await TestNamespace.open({ settings: { defaultReplicationFactor: 1 } });
  const parts = Array.from({ length: 1100 }, (_, at) => chunkOf(`p${at % 900}`, 100));
  await ns.upload("/f", parts);
  await ns.call("remove", { path: "/f" });
  await ns.clock.advance(ns.settings.contentGraceMs);
  const worker = ns.worker("tombstones");
  const signal = new AbortController().signal;
  let steps = 0;
  while ((await worker.step(signal)) === "again") {
    steps += 1;
    expect(await ns.violations()).toEqual([]);
  }
  expect(steps).toBeGreaterThan(2);
  expect(await ns.kv.read(readCounters)).toMatchObject({ chunks: 0, garbageChunks: 900 });
});

test("many small contents and directories are taken apart by few commits", async () => {
  await using ns = await TestNamespace.open({ settings: { defaultReplicationFactor: 1 } });
  for (let at = 0; at < 120; at++) {
    // Some share a chunk, with each other and within a file.
    await ns.upload(`/d${at % 40}/f${at}`, [chunkOf(`s${at % 50}`, 100), chunkOf("shared", 100)]);
  }
  for (let at = 0; at < 40; at++) await ns.call("remove", { path: `/d${at}`, recursive: true });
  const signal = new AbortController().signal;
  for (const graceMs of [0, ns.settings.contentGraceMs]) {
    await ns.clock.advance(graceMs);
    let steps = 0;
    while ((await ns.worker("tombstones").step(signal)) === "again") steps += 1;
    expect(steps).toBe(1);
    expect(await ns.violations()).toEqual([]);
  }
  expect(await ns.kv.read(readCounters)).toMatchObject({
    directories: 1,
    files: 0,
    chunks: 0,
    garbageChunks: 51,
  });
});

test("many uploads that nobody ended are ended by few commits, a younger one is not", async () => {
  await using ns = await TestNamespace.open();
  for (let at = 0; at < 100; at++) await ns.call("beginUpload", { path: `/f${at}` });
  await ns.clock.advance(ns.settings.sessionTtlMs / 2);
  await ns.call("beginUpload", { path: "/later" });
  await ns.clock.advance(ns.settings.sessionTtlMs / 2);
  await ns.worker("expired-uploads").step(new AbortController().signal);
  expect((await ns.kv.read(readCounters)).openUploads).toBe(1);
  expect(await ns.violations()).toEqual([]);
});

test("the epoch moves on by itself while placements are given out, so that the horizon can follow", async () => {
  await using ns = await TestNamespace.open();
  const before = await ns.kv.read(readEpoch);
  for (let hour = 0; hour < 5; hour++) {
    await ns.call("leaseFiles", { path: "/", count: 1 });
    await ns.run("horizon");
    await ns.clock.advance(3_600_000);
  }
  expect(await ns.kv.read(readEpoch)).toBe(before + 5);
});

test("the horizon stands still, and nothing is written, while nothing uses epochs", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/f", [chunkOf("f")]);
  await ns.call("remove", { path: "/f" });
  // All that the removal takes in the end: it is taken apart, deleted, and forgotten when the horizon has passed it.
  for (let hour = 0; hour < 24 * 60; hour++) {
    await ns.runAll();
    await ns.clock.advance(3_600_000);
  }
  expect(await ns.kv.read((reader) => chunks.page(reader, { limit: 10 }))).toEqual([]);
  const state = () =>
    ns.kv.read(async (reader) => ({
      epoch: await readEpoch(reader),
      horizon: await readHorizon(reader),
      marks: await epochMarks.get(reader, "epoch-marks"),
    }));
  const before = await state();
  expect(before.marks).toEqual([]);
  for (let hour = 0; hour < 100; hour++) {
    await ns.run("horizon");
    await ns.clock.advance(3_600_000);
  }
  expect(await state()).toEqual(before);
});

test("copies that nobody handed in go although the coordinator that placed them has ended since", async () => {
  await using first = await TestNamespace.open();
  const { sessionId } = await first.call("beginUpload", { path: "/f" });
  await first.store(sessionId, [chunkOf("left")]);
  // Another process: it knows nothing of placements, until inventories are compared.
  const next = await TestNamespace.open({ after: first });
  for (let day = 0; day < 4; day++) {
    await next.clock.advance(next.settings.inventoryIntervalMs);
    for (const name of ["inventories", "horizon", "drops"]) {
      for (let steps = 0; steps < 20; steps++) await next.run(name);
    }
  }
  expect(next.nodes.holdersOf(chunkOf("left").chunkId)).toEqual([]);
});

test("a replica that is reported bad is verified, and only then forgotten and owed", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/f", [A]);
  const [bad = 0, good = 0] = ns.nodes.holdersOf(A.chunkId);
  const report = { chunkId: Buffer.from(A.chunkId, "hex") };
  ns.nodes.corrupt.add(`${A.chunkId}/${bad}`);
  await ns.call("reportBadReplica", { ...report, nodeNumber: good });
  await ns.call("reportBadReplica", { ...report, nodeNumber: 77 });
  await ns.run("bad-replicas");
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(0);
  await ns.call("reportBadReplica", { ...report, nodeNumber: bad });
  await ns.run("bad-replicas");
  const { chunks: located } = await ns.call("openFile", { path: "/f" });
  expect(located[0]?.nodeNumbers).not.toContain(bad);
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(1);
  expect(await ns.violations()).toEqual([]);
});

test("receipts that a node made before its copy was found bad do not bring it back", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/d/f", [A]);
  const { sessionId } = await ns.call("beginUpload", { path: "/d/g" });
  const early = await ns.store(sessionId, [A]);
  const bad = early[0]?.receipts[0]?.nodeNumber ?? 0;
  ns.nodes.corrupt.add(`${A.chunkId}/${bad}`);
  const record = await ns.kv.read((reader) => chunks.get(reader, A.chunkId));
  expect(record?.nodeNumbers).toContain(bad);
  await ns.call("reportBadReplica", {
    chunkId: Buffer.from(A.chunkId, "hex"),
    nodeNumber: bad,
  });
  await ns.run("bad-replicas");
  await ns.call("commitUpload", { sessionId, chunks: early, sizeBytes: KIB_64 });
  const { chunks: located } = await ns.call("openFile", { path: "/d/g" });
  expect(located[0]?.nodeNumbers).not.toContain(bad);
  expect(await ns.violations()).toEqual([]);
});

test("a copy that a node cannot delete holds up no other, and goes when it can", async () => {
  await using ns = await TestNamespace.open();
  const [low, high] = [A, B].sort((a, b) => (a.chunkId < b.chunkId ? -1 : 1));
  if (low === undefined || high === undefined) throw new Error("unreachable");
  await ns.upload("/low", [low]);
  await ns.upload("/high", [high]);
  ns.nodes.stuck.add(low.chunkId);
  await ns.call("remove", { path: "/low" });
  await untilDeleted(ns);
  await ns.call("remove", { path: "/high" });
  await untilDeleted(ns);
  expect(ns.nodes.holdersOf(low.chunkId)).toHaveLength(3);
  expect(ns.nodes.holdersOf(high.chunkId)).toEqual([]);

  ns.nodes.stuck.clear();
  await ns.clock.advance(60_000);
  await ns.run("drops");
  expect(ns.nodes.holdersOf(low.chunkId)).toEqual([]);
  expect(await stateOf(ns, low)).toBe("deleted");
});
