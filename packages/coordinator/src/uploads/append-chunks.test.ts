import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { readCounters } from "../counters.ts";
import { chunks, debts } from "../keyspace.ts";
import { chunkOf, type TestChunk } from "../namespace/testing/fake-nodes.ts";
import { TestNamespace } from "../namespace/testing/test-namespace.ts";

const A = chunkOf("a");
const B = chunkOf("b");
const KIB_64 = 65_536n;

async function begin(ns: TestNamespace, path = "/d/f"): Promise<Uint8Array> {
  const { sessionId } = await ns.call("beginUpload", { path, parents: true });
  return sessionId;
}

/** What a client says of a chunk that it did not send. */
function unsent(chunk: TestChunk) {
  return { chunkId: chunkIdToBytes(chunk.chunkId), lengthBytes: BigInt(chunk.lengthBytes) };
}

test("receipts of an epoch that has not begun are refused, however well they are made", async () => {
  await using ns = await TestNamespace.open();
  const sessionId = await begin(ns);
  const { placements } = await ns.call("leasePlacements", {
    sessionId,
    firstChunkIndex: 0n,
    count: 1,
  });
  const [placement] = placements;
  if (placement === undefined) throw new Error("unreachable");
  const stored = ns.nodes.store(sessionId, A, { ...placement, epoch: placement.epoch + 1n });
  await expect(ns.call("addChunks", { sessionId, chunks: [stored] })).rejects.toMatchObject({
    reason: "receiptInvalid",
    details: { epoch: Number(placement.epoch) + 1 },
  });
});

test("a chunk whose receipts are forged, foreign or altered is refused, and nothing is kept", async () => {
  await using ns = await TestNamespace.open();
  const sessionId = await begin(ns);
  const [good] = await ns.store(sessionId, [A]);
  const [foreign] = await ns.store(await begin(ns, "/other"), [A]);
  if (good === undefined || foreign === undefined) throw new Error("unreachable");
  const [receipt] = good.receipts;
  if (receipt === undefined) throw new Error("unreachable");
  const bad = [
    foreign,
    { ...good, lengthBytes: good.lengthBytes - 1n },
    { ...good, epoch: good.epoch + 1n },
    { ...good, chunkId: chunkIdToBytes(B.chunkId) },
    { ...good, receipts: [{ ...receipt, mac: Buffer.alloc(16) }] },
    { ...good, receipts: [{ ...receipt, mac: receipt.mac.subarray(1) }] },
    { ...good, receipts: [{ ...receipt, nodeNumber: (receipt.nodeNumber % 5) + 1 }] },
  ];
  for (const chunk of bad) {
    await expect(ns.call("addChunks", { sessionId, chunks: [chunk] })).rejects.toMatchObject({
      reason: "receiptInvalid",
    });
  }
  expect((await ns.kv.read(readCounters)).chunks).toBe(0);
  await ns.call("addChunks", { sessionId, chunks: [good] });
});

test("fewer distinct nodes than the write quorum are not enough", async () => {
  await using ns = await TestNamespace.open();
  const sessionId = await begin(ns);
  const [chunk] = await ns.store(sessionId, [A]);
  const [first] = chunk?.receipts ?? [];
  if (chunk === undefined || first === undefined) throw new Error("unreachable");
  const twice = { ...chunk, receipts: [first, first] };
  await expect(ns.call("addChunks", { sessionId, chunks: [twice] })).rejects.toMatchObject({
    reason: "quorumNotReached",
  });
  const stranger = { ...chunk, receipts: [first, { nodeNumber: 99, mac: Buffer.alloc(16) }] };
  await expect(ns.call("addChunks", { sessionId, chunks: [stranger] })).rejects.toMatchObject({
    reason: "quorumNotReached",
  });
});

test("a quorum that is less than what is wanted leaves a debt, which the missing copy pays", async () => {
  await using ns = await TestNamespace.open();
  const sessionId = await begin(ns);
  const [chunk] = await ns.store(sessionId, [A]);
  if (chunk === undefined) throw new Error("unreachable");
  const quorum = { ...chunk, receipts: chunk.receipts.slice(0, 2) };
  await ns.call("commitUpload", { sessionId, chunks: [quorum], sizeBytes: KIB_64 });
  expect(await ns.kv.read(readCounters)).toMatchObject({ debtChunks: 1, debtBytes: 65_536 });
  const owed = await ns.kv.read((reader) => debts.page(reader, { limit: 10 }));
  expect(owed.map((row) => row.key)).toEqual([[2, A.chunkId]]);
  expect(await ns.violations()).toEqual([]);

  const again = await begin(ns, "/d/g");
  await ns.call("commitUpload", {
    sessionId: again,
    chunks: await ns.store(again, [A]),
    sizeBytes: KIB_64,
  });
  expect((await ns.kv.read(readCounters)).debtChunks).toBe(0);
  expect(await ns.violations()).toEqual([]);
});

test("a chunk that comes again is one record with more references, and every node that proved a copy", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/d/f", [A, A, B]);
  await ns.upload("/e/f", [A]);
  const record = await ns.kv.read((reader) => chunks.get(reader, A.chunkId));
  expect(record?.references).toBe(3);
  expect([...(record?.nodeNumbers ?? [])].sort()).toEqual(ns.nodes.holdersOf(A.chunkId));
  expect(await ns.kv.read(readCounters)).toMatchObject({ chunks: 2, uniqueBytes: 131_072 });
  expect(await ns.violations()).toEqual([]);
});

test("a session may refer to what its domain holds without sending it, and to nothing else", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/d/f", [A]);
  await ns.upload("/e/f", [B]);
  const sessionId = await begin(ns, "/d/copy");
  const ids = [A, B, chunkOf("unknown")].map((chunk) => chunkIdToBytes(chunk.chunkId));
  const { found } = await ns.call("findChunks", { sessionId, chunkIds: ids });
  expect(found).toEqual([true, false, false]);
  await expect(
    ns.call("addChunks", { sessionId, chunks: [unsent(A), unsent(B)] }),
  ).rejects.toMatchObject({
    reason: "chunkNeeded",
    details: { count: 1, chunkIds: B.chunkId },
  });
  await ns.call("commitUpload", { sessionId, chunks: [unsent(A)], sizeBytes: KIB_64 });
  expect(await ns.violations()).toEqual([]);
});

test("the right to refer to a chunk ends with the domain's last reference", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/e/f", [A]);
  await ns.upload("/d/f", [A]);
  const sessionId = await begin(ns, "/d/copy");
  const chunkIds = [chunkIdToBytes(A.chunkId)];
  expect((await ns.call("findChunks", { sessionId, chunkIds })).found).toEqual([true]);
  await ns.call("remove", { path: "/d/f" });
  await ns.clock.advance(ns.settings.contentGraceMs);
  await ns.runAll();
  expect((await ns.call("findChunks", { sessionId, chunkIds })).found).toEqual([false]);
  await expect(ns.call("addChunks", { sessionId, chunks: [unsent(A)] })).rejects.toMatchObject({
    reason: "chunkNeeded",
  });
  expect(await ns.violations()).toEqual([]);
});

test("the upload that makes a top-level directory opens its domain; one that came too late has its own", async () => {
  await using ns = await TestNamespace.open();
  const first = await begin(ns, "/d/f");
  const second = await begin(ns, "/d/g");
  const size = { sizeBytes: KIB_64 };
  await ns.call("commitUpload", {
    sessionId: first,
    chunks: await ns.store(first, [A]),
    ...size,
  });
  const chunkIds = [chunkIdToBytes(A.chunkId)];
  expect((await ns.call("findChunks", { sessionId: second, chunkIds })).found).toEqual([false]);
  const third = await begin(ns, "/d/h");
  expect((await ns.call("findChunks", { sessionId: third, chunkIds })).found).toEqual([true]);
  await ns.call("commitUpload", {
    sessionId: second,
    chunks: await ns.store(second, [A]),
    ...size,
  });
  expect(await ns.violations()).toEqual([]);
});

test("a top-level directory that is made again is a new one, not the domain of an upload begun before", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/d/x");
  const sessionId = await begin(ns, "/d/f");
  await ns.call("rename", { source: "/d", target: "/e" });
  await ns.call("commitUpload", {
    sessionId,
    chunks: await ns.store(sessionId, [A]),
    sizeBytes: KIB_64,
  });
  expect(await ns.names("/d")).toEqual(["f"]);
  expect(await ns.names("/e")).toEqual(["x"]);
  expect(await ns.violations()).toEqual([]);
});

test("copies on nodes that are dead do not count", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/d/f", [A]);
  await ns.upload("/d/g", [A]);
  for (const nodeNumber of ns.nodes.holdersOf(A.chunkId).slice(1)) ns.nodes.dead.add(nodeNumber);
  const { sessionId } = await ns.call("beginUpload", { path: "/d/h", sizeBytes: 0n });
  const chunkIds = [chunkIdToBytes(A.chunkId)];
  expect((await ns.call("findChunks", { sessionId, chunkIds })).found).toEqual([false]);
  await expect(ns.call("addChunks", { sessionId, chunks: [unsent(A)] })).rejects.toMatchObject({
    reason: "chunkNeeded",
  });
});

test("chunks that do not continue the upload are refused, and the error says where it stands", async () => {
  await using ns = await TestNamespace.open();
  const sessionId = await begin(ns);
  const stored = await ns.store(sessionId, [A, B]);
  await ns.call("addChunks", { sessionId, chunks: stored });
  const [a, b] = stored;
  const cases = [
    { offsetBytes: 3n * KIB_64, chunks: [a] },
    { offsetBytes: 5n, chunks: [a] },
    { offsetBytes: 0n, chunks: [b] },
    { offsetBytes: KIB_64, chunks: [a] },
  ];
  for (const { offsetBytes, chunks: wrong } of cases) {
    const request = { sessionId, offsetBytes, chunks: wrong.flatMap((chunk) => chunk ?? []) };
    await expect(ns.call("addChunks", request)).rejects.toMatchObject({
      reason: "uploadMismatch",
      details: { addedBytes: 131_072, addedChunks: 2 },
    });
  }
  const overlap = {
    sessionId,
    offsetBytes: KIB_64,
    chunks: [b, a].flatMap((chunk) => chunk ?? []),
  };
  expect((await ns.call("addChunks", overlap)).addedBytes).toBe(3n * KIB_64);
  expect(await ns.violations()).toEqual([]);
});

test("a commit of another size than was said is refused", async () => {
  await using ns = await TestNamespace.open();
  const { sessionId } = await ns.call("beginUpload", { path: "/f", sizeBytes: KIB_64 });
  const stored = await ns.store(sessionId, [A, B]);
  const size = 2n * KIB_64;
  for (const sizeBytes of [KIB_64, size]) {
    await expect(
      ns.call("commitUpload", { sessionId, chunks: stored, sizeBytes }),
    ).rejects.toMatchObject({ reason: "uploadMismatch" });
  }
  expect(await ns.names("/")).toEqual([]);
});

test("a chunk has 1 byte to the session's chunk size, and one length for ever", async () => {
  await using ns = await TestNamespace.open();
  const { sessionId } = await ns.call("beginUpload", {
    path: "/f",
    policy: { chunkSizeBytes: KIB_64 },
  });
  for (const lengthBytes of [0, 65_537]) {
    const stored = await ns.store(sessionId, [{ ...A, lengthBytes }]);
    await expect(ns.call("addChunks", { sessionId, chunks: stored })).rejects.toMatchObject({
      reason: "invalidArgument",
    });
  }
  await ns.upload("/g", [A]);
  const shorter = await ns.store(sessionId, [{ ...A, lengthBytes: 5 }]);
  await expect(ns.call("addChunks", { sessionId, chunks: shorter })).rejects.toMatchObject({
    reason: "chunkMismatch",
  });
});

test("calls are bounded: 4,096 chunks, 1,000 ids, 256 placements", async () => {
  await using ns = await TestNamespace.open();
  const sessionId = await begin(ns);
  const tooMany = [
    ns.call("addChunks", { sessionId, chunks: Array.from({ length: 4097 }, () => unsent(A)) }),
    ns.call("findChunks", {
      sessionId,
      chunkIds: Array.from({ length: 1001 }, () => unsent(A).chunkId),
    }),
    ns.call("leasePlacements", { sessionId, count: 257 }),
    ns.call("leasePlacements", { sessionId, count: 0 }),
    ns.call("getUpload", { sessionId: Buffer.alloc(15) }),
  ];
  for (const outcome of await Promise.allSettled(tooMany)) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { reason: "invalidArgument" } });
  }
  const { placements } = await ns.call("leasePlacements", { sessionId, count: 256 });
  expect(placements).toHaveLength(256);
});
