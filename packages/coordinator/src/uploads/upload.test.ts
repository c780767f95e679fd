import { present } from "@cairnfs/base/assert";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { readCounters } from "../counters.ts";
import { chunkOf } from "../namespace/testing/fake-nodes.ts";
import { TestNamespace } from "../namespace/testing/test-namespace.ts";

const KIB_64 = 65_536n;

test("a file of chunks appears at its commit, whole", async () => {
  await using ns = await TestNamespace.open();
  const parts = [chunkOf("a"), chunkOf("b"), chunkOf("tail", 10)];
  const { entry } = await ns.upload("/d/f", parts);
  expect(entry).toMatchObject({ name: "f", sizeBytes: 2n * KIB_64 + 10n, chunkCount: 3n });
  const opened = await ns.call("openFile", { path: "/d/f" });
  expect(opened.entry).toEqual(entry);
  expect(opened.chunks.map((chunk) => chunk.offsetBytes)).toEqual([0n, KIB_64, 2n * KIB_64]);
  expect(opened.chunks.every((chunk) => chunk.nodeNumbers.length === 3)).toBe(true);
  expect(await ns.violations()).toEqual([]);
});

test("nothing is at the path before the commit, and the parents are made by it", async () => {
  await using ns = await TestNamespace.open();
  await ns.call("beginUpload", { path: "/new/f", parents: true });
  expect(await ns.names("/")).toEqual([]);
});

test("an upload begins with placements for its first chunks and where its limits are", async () => {
  await using ns = await TestNamespace.open();
  const begun = await ns.call("beginUpload", {
    path: "/f",
    sizeBytes: 3n * KIB_64,
    policy: { chunkSizeBytes: KIB_64, replicationFactor: 3 },
  });
  expect(begun).toMatchObject({
    chunkSizeBytes: KIB_64,
    replicationFactor: 3,
    writeQuorum: 2,
    inlineLimitBytes: 4096n,
  });
  expect(begun.placements.map((placement) => placement.chunkIndex)).toEqual([0n, 1n, 2n]);
  expect(begun.placements[0]).toMatchObject({ epoch: 1n });
  const leased = await ns.call("leasePlacements", {
    sessionId: begun.sessionId,
    firstChunkIndex: 0n,
    count: 3,
  });
  expect(leased.placements).toEqual(begun.placements);
  const [first] = leased.placements;
  const avoided = await ns.call("leasePlacements", {
    sessionId: begun.sessionId,
    firstChunkIndex: 0n,
    count: 1,
    excludedNodeNumbers: [first?.nodeNumbers[0] ?? 0],
  });
  expect(avoided.placements[0]?.nodeNumbers).not.toContain(first?.nodeNumbers[0]);
});

test("where nothing can be stored no session is left behind", async () => {
  await using ns = await TestNamespace.open({ nodes: 1 });
  await expect(ns.call("beginUpload", { path: "/f" })).rejects.toMatchObject({
    reason: "placementUnavailable",
  });
  expect((await ns.kv.read(readCounters)).openUploads).toBe(0);
  expect(await ns.violations()).toEqual([]);
});

test("a file may come in many calls, its map in many rows", async () => {
  await using ns = await TestNamespace.open({ settings: { defaultReplicationFactor: 1 } });
  const parts = Array.from({ length: 700 }, (_, at) => chunkOf(`c${at}`, 1000 + at));
  const { sessionId } = await ns.call("beginUpload", { path: "/f" });
  let offsetBytes = 0n;
  for (let at = 0; at < 700; at += 90) {
    const slice = parts.slice(at, at + 90);
    const chunks = await ns.store(sessionId, slice, BigInt(at));
    const { addedBytes } = await ns.call("addChunks", { sessionId, offsetBytes, chunks });
    const again = await ns.call("addChunks", { sessionId, offsetBytes, chunks });
    expect(again.addedBytes).toBe(addedBytes);
    offsetBytes = addedBytes;
  }
  const upload = await ns.call("getUpload", { sessionId });
  expect(upload).toMatchObject({ addedBytes: offsetBytes, addedChunks: 700n, path: "/f" });
  expect(await ns.violations()).toEqual([]);
  const { entry } = await ns.call("commitUpload", {
    sessionId,
    offsetBytes,
    sizeBytes: offsetBytes,
  });
  expect(entry?.chunkCount).toBe(700n);

  // From the middle of chunk 300 on, in pages that do not fit the rows.
  let at = 300;
  let from = parts.slice(0, 300).reduce((sum, part) => sum + part.lengthBytes, 5);
  while (at < 700) {
    const page = await ns.call("getChunkMap", {
      contentId: entry?.contentId ?? 0n,
      offsetBytes: BigInt(from),
      chunkLimit: 97,
    });
    expect(page.chunks.length).toBe(Math.min(97, 700 - at));
    for (const chunk of page.chunks) {
      const part = present(parts[at], "no chunk is past the end");
      expect(Buffer.from(chunk.chunkId)).toEqual(chunkIdToBytes(part.chunkId));
      at += 1;
      from = Number(chunk.offsetBytes) + part.lengthBytes;
    }
  }
  expect(await ns.violations()).toEqual([]);
});

test("a commit that is repeated gives the same answer, until it is forgotten", async () => {
  await using ns = await TestNamespace.open();
  const { sessionId } = await ns.call("beginUpload", { path: "/f" });
  const chunks = await ns.store(sessionId, [chunkOf("a")]);
  const commit = { sessionId, chunks, sizeBytes: KIB_64 };
  const first = await ns.call("commitUpload", commit);
  await ns.call("rename", { source: "/f", target: "/g" });
  expect(await ns.call("commitUpload", commit)).toEqual(first);
  expect(await ns.names("/")).toEqual(["g"]);
  await ns.clock.advance(ns.settings.committedSessionTtlMs);
  await ns.runAll();
  await expect(ns.call("commitUpload", commit)).rejects.toMatchObject({ reason: "uploadNotFound" });
  expect(await ns.violations()).toEqual([]);
});

test("an overwrite is atomic, and who had opened the old content reads on until its grace ends", async () => {
  await using ns = await TestNamespace.open();
  const { entry: old } = await ns.upload("/f", [chunkOf("old")]);
  await ns.upload("/f", [chunkOf("new"), chunkOf("new2")]);
  expect((await ns.call("openFile", { path: "/f" })).chunks).toHaveLength(2);
  const contentId = old?.contentId ?? 0n;
  expect((await ns.call("getChunkMap", { contentId })).chunks).toHaveLength(1);
  await ns.clock.advance(ns.settings.contentGraceMs - 1);
  await ns.runAll();
  expect((await ns.call("getChunkMap", { contentId })).chunks).toHaveLength(1);
  await ns.clock.advance(1);
  await expect(ns.call("getChunkMap", { contentId })).rejects.toMatchObject({
    reason: "contentNotFound",
  });
  await ns.runAll();
  expect(await ns.violations()).toEqual([]);
});

test("two commits to one path leave one file, the later one", async () => {
  await using ns = await TestNamespace.open();
  const begun = await Promise.all(
    ["one", "two"].map(async (name) => {
      const { sessionId } = await ns.call("beginUpload", { path: "/f" });
      return { sessionId, chunks: await ns.store(sessionId, [chunkOf(name)]), sizeBytes: KIB_64 };
    }),
  );
  const answers = await Promise.all(begun.map((commit) => ns.call("commitUpload", commit)));
  const { entry } = await ns.call("stat", { path: "/f" });
  const later = answers.sort((a, b) => Number((a.entry?.version ?? 0n) - (b.entry?.version ?? 0n)));
  expect(entry).toEqual(later[1]?.entry);
  expect((await ns.kv.read(readCounters)).files).toBe(1);
  expect(await ns.violations()).toEqual([]);
});

test("of two commits that must not find a file, one is refused", async () => {
  await using ns = await TestNamespace.open();
  const precondition = { condition: { case: "mustNotExist" as const, value: true } };
  const begun = await Promise.all(
    [1, 2].map(() => ns.call("beginUpload", { path: "/f", precondition })),
  );
  const outcomes = await Promise.allSettled(
    begun.map(({ sessionId }) => ns.call("commitUpload", { sessionId })),
  );
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(["fulfilled", "rejected"]);
  await expect(ns.call("beginUpload", { path: "/f", precondition })).rejects.toMatchObject({
    reason: "pathExists",
  });
});

test("an empty file needs no chunk and no node", async () => {
  await using ns = await TestNamespace.open({ nodes: 0 });
  const { sessionId, placements } = await ns.call("beginUpload", { path: "/f", sizeBytes: 0n });
  expect(placements).toEqual([]);
  await ns.call("commitUpload", { sessionId });
  const opened = await ns.call("openFile", { path: "/f" });
  expect(opened).toMatchObject({ chunks: [], inlineBytes: new Uint8Array() });
  await ns.call("remove", { path: "/f" });
  expect(await ns.violations()).toEqual([]);
});

test("the SHA-256 of the whole file stays with it", async () => {
  await using ns = await TestNamespace.open();
  const { sessionId } = await ns.call("beginUpload", { path: "/f" });
  const sha256 = Buffer.alloc(32, 7);
  await ns.call("commitUpload", { sessionId, sha256 });
  const { entry } = await ns.call("stat", { path: "/f" });
  expect(Buffer.from(entry?.sha256 ?? [])).toEqual(sha256);
  await expect(ns.call("putFile", { path: "/g", sha256: Buffer.alloc(31) })).rejects.toMatchObject({
    reason: "invalidArgument",
  });
});

test("an aborted upload leaves nothing but garbage, and is unknown", async () => {
  await using ns = await TestNamespace.open();
  const { sessionId } = await ns.call("beginUpload", { path: "/f" });
  const chunks = await ns.store(sessionId, [chunkOf("a")]);
  await ns.call("addChunks", { sessionId, chunks });
  await ns.call("abortUpload", { sessionId });
  await expect(ns.call("getUpload", { sessionId })).rejects.toMatchObject({
    reason: "uploadNotFound",
  });
  await ns.runAll();
  expect(await ns.kv.read(readCounters)).toMatchObject({
    chunks: 0,
    garbageChunks: 1,
    openUploads: 0,
  });
  expect(await ns.violations()).toEqual([]);
});

test("a session lives on while it is used and expires when it is not", async () => {
  await using ns = await TestNamespace.open();
  const { sessionId, expiresMs } = await ns.call("beginUpload", { path: "/f" });
  const chunks = await ns.store(sessionId, [chunkOf("a")]);
  await ns.call("addChunks", { sessionId, chunks });
  const early = await ns.call("getUpload", { sessionId });
  expect(early.expiresMs).toBe(expiresMs);
  for (let day = 0; day < 3; day++) {
    await ns.clock.advance(ns.settings.sessionTtlMs - 1);
    await ns.runAll();
    const upload = await ns.call("getUpload", { sessionId });
    expect(upload.expiresMs).toBe(BigInt(ns.clock.now() + ns.settings.sessionTtlMs));
  }
  await ns.clock.advance(ns.settings.sessionTtlMs);
  await expect(ns.call("getUpload", { sessionId })).rejects.toMatchObject({
    reason: "uploadNotFound",
  });
  await ns.runAll();
  expect(await ns.kv.read(readCounters)).toMatchObject({ openUploads: 0, chunks: 0 });
  expect(await ns.violations()).toEqual([]);
});

test("a commit that is refused for its path can be repeated when the path is right", async () => {
  await using ns = await TestNamespace.open();
  await ns.call("makeDirectory", { path: "/d" });
  const { sessionId } = await ns.call("beginUpload", { path: "/d/f" });
  const chunks = await ns.store(sessionId, [chunkOf("a")]);
  await ns.call("remove", { path: "/d" });
  const commit = { sessionId, chunks, sizeBytes: KIB_64 };
  await expect(ns.call("commitUpload", commit)).rejects.toMatchObject({ reason: "pathNotFound" });
  await ns.call("makeDirectory", { path: "/d" });
  await ns.call("commitUpload", commit);
  expect(await ns.names("/d")).toEqual(["f"]);
  expect(await ns.violations()).toEqual([]);
});

test("inline bytes are allowed up to the limit, and one more is refused", async () => {
  await using ns = await TestNamespace.open();
  await ns.call("putFile", { path: "/f", inlineBytes: Buffer.alloc(4096) });
  await expect(
    ns.call("putFile", { path: "/f", inlineBytes: Buffer.alloc(4097) }),
  ).rejects.toMatchObject({ reason: "invalidArgument" });
});

test.each([
  [{ path: "/d" }, "isADirectory"],
  [{ path: "/" }, "invalidArgument"],
  [{ path: "/missing/f" }, "pathNotFound"],
  [{ path: "/f/x", parents: true }, "notADirectory"],
  [
    { path: "/new", precondition: { condition: { case: "version" as const, value: 1n } } },
    "preconditionFailed",
  ],
])("an upload or a put to %o is refused as %s", async (request, reason) => {
  await using ns = await TestNamespace.open();
  await ns.put("/d/f");
  await ns.put("/f");
  await expect(ns.call("beginUpload", request)).rejects.toMatchObject({ reason });
  await expect(ns.call("putFile", request)).rejects.toMatchObject({ reason });
  expect(await ns.violations()).toEqual([]);
});
