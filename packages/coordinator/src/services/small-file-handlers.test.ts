import { present } from "@cairnfs/base/assert";
import { expect, test } from "vitest";
import { chunkOf, type TestChunk } from "../namespace/testing/fake-nodes.ts";
import { TestNamespace } from "../namespace/testing/test-namespace.ts";

const KIB_64 = 65_536n;

/** Leases for a directory and has nodes store these chunks under the lease. */
async function storedUnderLease(ns: TestNamespace, path: string, chunks: readonly TestChunk[]) {
  const { leaseId, placements } = await ns.call("leaseFiles", { path, count: 4 });
  const stored = chunks.map((chunk, at) =>
    ns.nodes.store(leaseId, chunk, present(placements[at % placements.length], "leased")),
  );
  return { leaseId, chunks: stored };
}

test("a file whose chunks were stored under a lease is written in one call", async () => {
  await using ns = await TestNamespace.open();
  const stored = await storedUnderLease(ns, "/d", [chunkOf("a"), chunkOf("tail", 10)]);
  const { entry } = await ns.call("putFile", { path: "/d/f", parents: true, ...stored });
  expect(entry).toMatchObject({ name: "f", sizeBytes: KIB_64 + 10n, chunkCount: 2n });
  const opened = await ns.call("openFile", { path: "/d/f" });
  expect(opened.chunks.map((chunk) => chunk.nodeNumbers.length)).toEqual([3, 3]);
  expect(await ns.violations()).toEqual([]);
});

test("a lease says what the directory's policy says, and what overrides it", async () => {
  await using ns = await TestNamespace.open();
  const policy = { replicationFactor: 2, chunkSizeBytes: KIB_64 };
  await ns.call("makeDirectory", { path: "/two", policy });
  const leased = await ns.call("leaseFiles", { path: "/two/not/there", count: 3 });
  expect(leased).toMatchObject({ ...policy, writeQuorum: 2, inlineLimitBytes: 4096n });
  expect(leased.placements.map((placement) => placement.nodeNumbers.length)).toEqual([2, 2, 2]);
  const asked = { path: "/two", count: 1, policy: { replicationFactor: 5 } };
  expect(await ns.call("leaseFiles", asked)).toMatchObject({
    replicationFactor: 5,
    chunkSizeBytes: KIB_64,
  });
});

test("a lease leaves out nodes that failed, and is refused where too few are left", async () => {
  await using ns = await TestNamespace.open({ nodes: 4 });
  const asked = { path: "/", count: 8, excludedNodeNumbers: [2] };
  const { placements } = await ns.call("leaseFiles", asked);
  for (const { nodeNumbers } of placements) expect(nodeNumbers).not.toContain(2);
  for (const nodeNumber of [1, 2, 3]) ns.nodes.dead.add(nodeNumber);
  await expect(ns.call("leaseFiles", { path: "/", count: 1 })).rejects.toMatchObject({
    reason: "placementUnavailable",
  });
  for (const count of [0, 257]) {
    await expect(ns.call("leaseFiles", { path: "/", count })).rejects.toMatchObject({
      reason: "invalidArgument",
    });
  }
});

test("receipts of another lease, and chunks that nobody proves, are refused", async () => {
  await using ns = await TestNamespace.open();
  const stored = await storedUnderLease(ns, "/", [chunkOf("a")]);
  const other = await ns.call("leaseFiles", { path: "/", count: 1 });
  const foreign = { path: "/f", chunks: stored.chunks, leaseId: other.leaseId };
  await expect(ns.call("putFile", foreign)).rejects.toMatchObject({ reason: "receiptInvalid" });
  const unproven = stored.chunks.map((chunk) => ({ ...chunk, receipts: [] }));
  await expect(
    ns.call("putFile", { path: "/f", chunks: unproven, leaseId: stored.leaseId }),
  ).rejects.toMatchObject({ reason: "chunkNeeded" });
  const single = stored.chunks.map((chunk) => ({
    ...chunk,
    receipts: chunk.receipts.slice(0, 1),
  }));
  await expect(
    ns.call("putFile", { path: "/f", chunks: single, leaseId: stored.leaseId }),
  ).rejects.toMatchObject({ reason: "quorumNotReached" });
  expect(await ns.names("/")).toEqual([]);
  expect(await ns.violations()).toEqual([]);
});

test("a file has at most sixteen chunks in one call, and not inline bytes as well", async () => {
  await using ns = await TestNamespace.open();
  const names = Array.from({ length: 17 }, (_, at) => chunkOf(`chunk ${at}`));
  const { leaseId, chunks } = await storedUnderLease(ns, "/", names);
  await expect(ns.call("putFile", { path: "/f", leaseId, chunks })).rejects.toMatchObject({
    reason: "invalidArgument",
  });
  const both = { path: "/f", leaseId, chunks: chunks.slice(0, 16), inlineBytes: Buffer.from("x") };
  await expect(ns.call("putFile", both)).rejects.toMatchObject({ reason: "invalidArgument" });
  await ns.call("putFile", { ...both, inlineBytes: Buffer.alloc(0) });
  await expect(
    ns.call("putFile", { path: "/g", chunks: chunks.slice(0, 1) }),
  ).rejects.toMatchObject({ reason: "invalidArgument" });
  expect(await ns.names("/")).toEqual(["f"]);
});

test("a chunk that a file of the same domain holds is found by path, and can be referred to", async () => {
  await using ns = await TestNamespace.open();
  const chunk = chunkOf("a");
  const stored = await storedUnderLease(ns, "/d", [chunk]);
  await ns.call("putFile", { path: "/d/f", parents: true, ...stored });
  const chunkIds = stored.chunks.map((each) => each.chunkId);
  const found = async (path: string) => (await ns.call("findChunks", { path, chunkIds })).found;
  expect(await found("/d/deeper/g")).toEqual([true]);
  expect(await found("/other/g")).toEqual([false]);
  expect(await found("/g")).toEqual([false]);
  const referred = {
    leaseId: stored.leaseId,
    chunks: stored.chunks.map((each) => ({ ...each, receipts: [] })),
  };
  await ns.call("putFile", { path: "/d/g", ...referred });
  await ns.call("makeDirectory", { path: "/other" });
  await expect(ns.call("putFile", { path: "/other/g", ...referred })).rejects.toMatchObject({
    reason: "chunkNeeded",
  });
  expect(await ns.violations()).toEqual([]);
});

test("the first file of a new top-level directory is in the domain that the directory becomes", async () => {
  await using ns = await TestNamespace.open();
  const stored = await storedUnderLease(ns, "/new", [chunkOf("a")]);
  await ns.call("putFile", { path: "/new/f", parents: true, ...stored });
  const chunkIds = stored.chunks.map((each) => each.chunkId);
  expect((await ns.call("findChunks", { path: "/new/g", chunkIds })).found).toEqual([true]);
});

test("a put that is repeated under its key takes one reference", async () => {
  await using ns = await TestNamespace.open();
  const stored = await storedUnderLease(ns, "/", [chunkOf("a")]);
  const key = "a".repeat(48);
  const first = await ns.call("putFile", { path: "/f", ...stored }, key);
  expect(await ns.call("putFile", { path: "/f", ...stored }, key)).toEqual(first);
  await ns.call("remove", { path: "/f" });
  await ns.clock.advance(ns.settings.contentGraceMs + ns.settings.chunkGraceMs + 1);
  await ns.runAll();
  expect(await ns.violations()).toEqual([]);
});
