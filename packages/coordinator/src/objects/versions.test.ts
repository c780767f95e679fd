import { Versioning } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { expect, test } from "vitest";
import { readCounters } from "../counters.ts";
import { chunkOf } from "../namespace/testing/fake-nodes.ts";
import { BUCKET, VersionedBucket } from "./testing/versioned-bucket.ts";

const refused = (reason: string) => expect.objectContaining({ reason });

test("what is replaced is kept, and read by its version", async () => {
  await using bucket = await VersionedBucket.open();
  const ids = [await bucket.put("k", "1"), await bucket.put("k", "2"), await bucket.put("k", "3")];
  expect(new Set(ids).size).toBe(3);
  expect(await bucket.list()).toEqual(["k 3 *", "k 2", "k 1"]);
  expect(await bucket.text("k")).toBe("3");
  for (const [at, id] of ids.entries()) expect(await bucket.text("k", id)).toBe(`${at + 1}`);
  const absent = bucket.text("k", "00000000000000ff");
  await expect(absent).rejects.toThrow(refused("versionNotFound"));
  await expect(bucket.text("other")).rejects.toThrow(refused("pathNotFound"));
  expect(await bucket.tree.violations()).toEqual([]);
});

test("a removal makes a delete marker, and the removal of that brings the object back", async () => {
  await using bucket = await VersionedBucket.open();
  await bucket.put("d/k", "1");
  const removed = await bucket.remove("d/k");
  expect(removed).toMatchObject({ existed: true, isDeleteMarker: true });
  expect(await bucket.list()).toEqual(["d/k removed *", "d/k 1"]);
  const { entry, version } = await bucket.tree.objects("statObject", {
    bucket: BUCKET,
    key: "d/k",
  });
  expect(entry).toBeUndefined();
  expect(version).toMatchObject({ isDeleteMarker: true, versionId: removed.versionId });
  // The directory that the key had made is gone with it.
  expect(await bucket.tree.names(`/${BUCKET}`)).toEqual([]);
  const back = await bucket.remove("d/k", removed.versionId);
  expect(back).toMatchObject({ isDeleteMarker: true, versionId: removed.versionId });
  expect(await bucket.text("d/k")).toBe("1");
  expect(await bucket.list()).toEqual(["d/k 1 *"]);
  expect(await bucket.tree.violations()).toEqual([]);
});

test("what is not there is removed too, as often as one likes", async () => {
  await using bucket = await VersionedBucket.open();
  await bucket.remove("k");
  const second = await bucket.remove("k");
  expect(await bucket.list()).toEqual(["k removed *", "k removed"]);
  await bucket.remove("k", second.versionId);
  expect(await bucket.list()).toEqual(["k removed *"]);
  expect(await bucket.remove("k", second.versionId)).toMatchObject({ existed: false });
  expect(await bucket.tree.violations()).toEqual([]);
});

test("with the newest version the one before comes back, until there is none", async () => {
  await using bucket = await VersionedBucket.open();
  const first = await bucket.put("d/k", "1");
  const second = await bucket.put("d/k", "2");
  const third = await bucket.put("d/k", "3");
  await bucket.remove("d/k", second);
  expect(await bucket.list()).toEqual(["d/k 3 *", "d/k 1"]);
  expect(await bucket.remove("d/k", third)).toMatchObject({ versionId: third, existed: true });
  expect(await bucket.list()).toEqual(["d/k 1 *"]);
  expect(await bucket.text("d/k", first)).toBe("1");
  await bucket.remove("d/k", first);
  expect(await bucket.list()).toEqual([]);
  expect(await bucket.tree.names(`/${BUCKET}`)).toEqual([]);
  await bucket.tree.runAll();
  expect(await bucket.tree.violations()).toEqual([]);
});

test("what was there before versioning is the version null", async () => {
  await using bucket = await VersionedBucket.open({ versioning: "never" });
  expect(await bucket.put("k", "0")).toBe("");
  await bucket.set(Versioning.ENABLED);
  const { version } = await bucket.tree.objects("statObject", { bucket: BUCKET, key: "k" });
  expect(version).toMatchObject({ versionId: "null", isLatest: true });
  await bucket.put("k", "1");
  expect(await bucket.list()).toEqual(["k 1 *", "k 0 null"]);
  expect(await bucket.text("k", "null")).toBe("0");
  await bucket.remove("k", "null");
  expect(await bucket.list()).toEqual(["k 1 *"]);
  expect(await bucket.tree.violations()).toEqual([]);
});

test("while versioning is suspended what is put and removed takes the place of the version null", async () => {
  await using bucket = await VersionedBucket.open();
  await bucket.put("k", "1");
  await bucket.set(Versioning.SUSPENDED);
  expect(await bucket.put("k", "a")).toBe("null");
  expect(await bucket.put("k", "b")).toBe("null");
  expect(await bucket.list()).toEqual(["k b null *", "k 1"]);
  await bucket.set(Versioning.ENABLED);
  await bucket.put("k", "2");
  expect(await bucket.list()).toEqual(["k 2 *", "k b null", "k 1"]);
  await bucket.set(Versioning.SUSPENDED);
  expect(await bucket.remove("k")).toMatchObject({ versionId: "null", isDeleteMarker: true });
  expect(await bucket.list()).toEqual(["k removed null *", "k 2", "k 1"]);
  expect(await bucket.remove("k")).toMatchObject({ versionId: "null", isDeleteMarker: true });
  expect(await bucket.put("k", "c")).toBe("null");
  expect(await bucket.list()).toEqual(["k c null *", "k 2", "k 1"]);
  await bucket.remove("k", "null");
  expect(await bucket.list()).toEqual(["k 2 *", "k 1"]);
  await bucket.tree.runAll();
  expect(await bucket.tree.violations()).toEqual([]);
});

test("whichever door replaces, removes or moves a file makes versions", async () => {
  await using bucket = await VersionedBucket.open();
  const { tree } = bucket;
  await tree.put(`/${BUCKET}/k`, "1");
  await tree.put(`/${BUCKET}/k`, "2");
  await tree.call("remove", { path: `/${BUCKET}/k`, forever: true });
  await tree.put(`/${BUCKET}/m`, "3");
  await tree.call("rename", { source: `/${BUCKET}/m`, target: `/${BUCKET}/k` });
  await tree.call("copy", { source: `/${BUCKET}/k`, target: `/${BUCKET}/m` });
  expect(await bucket.list()).toEqual([
    ...["k 3 *", "k removed", "k 2", "k 1"],
    ...["m 3 *", "m removed", "m 3"],
  ]);
  await tree.put("/elsewhere/x", "4");
  await tree.call("rename", { source: "/elsewhere/x", target: `/${BUCKET}/k` });
  await tree.call("rename", { source: `/${BUCKET}/m`, target: "/elsewhere/m" });
  expect(await bucket.text("k")).toBe("4");
  expect(await tree.names("/elsewhere")).toEqual(["m"]);
  await tree.runAll();
  expect(await tree.violations()).toEqual([]);
});

test("versions share and own chunks as files do, and let go of them with the last", async () => {
  await using bucket = await VersionedBucket.open();
  const { tree } = bucket;
  const path = `/${BUCKET}/k`;
  await tree.upload(path, [chunkOf("a"), chunkOf("b")]);
  await tree.upload(path, [chunkOf("a"), chunkOf("c")]);
  const { items } = await tree.objects("listVersions", { bucket: BUCKET });
  const old = items[1]?.version?.versionId ?? "";
  const source = { sourceBucket: BUCKET, sourceKey: "k", sourceVersionId: old };
  await tree.objects("copyObject", { ...source, bucket: BUCKET, key: "copy" });
  for (const { version } of items) await bucket.remove("k", version?.versionId);
  await tree.clock.advance(3_600_000);
  await tree.runAll();
  expect((await tree.kv.read(readCounters)).chunks).toBe(2);
  const opened = await tree.objects("openObject", { bucket: BUCKET, key: "copy" });
  expect(opened.chunks).toHaveLength(2);
  expect(await tree.violations()).toEqual([]);
});

test("of puts and removals at the same time each leaves its version", async () => {
  await using bucket = await VersionedBucket.open();
  for (let round = 0; round < 10; round++) {
    const done = await Promise.all([
      ...["a", "b", "c"].map((text) => bucket.put("d/k", text)),
      bucket.remove("d/k").then(({ versionId }) => versionId),
      bucket.remove("d/k").then(({ versionId }) => versionId),
    ]);
    expect(new Set(done).size).toBe(5);
    const { items } = await bucket.tree.objects("listVersions", { bucket: BUCKET });
    expect(items.map(({ version }) => version?.versionId).sort()).toEqual(done.sort());
    expect(await bucket.tree.violations()).toEqual([]);
    await Promise.all(done.map((id) => bucket.remove("d/k", id)));
    expect(await bucket.list()).toEqual([]);
    expect(await bucket.tree.names(`/${BUCKET}`)).toEqual([]);
  }
});

test("a removal is on the condition that the newest version is as it was seen", async () => {
  await using bucket = await VersionedBucket.open();
  await bucket.put("k", "1");
  const { entry } = await bucket.tree.objects("statObject", { bucket: BUCKET, key: "k" });
  await bucket.put("k", "2");
  const precondition = { condition: { case: "version" as const, value: entry?.version ?? 0n } };
  const removed = bucket.tree.objects("removeObject", { bucket: BUCKET, key: "k", precondition });
  await expect(removed).rejects.toThrow(refused("preconditionFailed"));
  const versionId = entry?.versionId ?? "";
  const old = { bucket: BUCKET, key: "k", versionId, precondition };
  expect(await bucket.tree.objects("removeObject", old)).toMatchObject({ existed: true });
  expect(await bucket.list()).toEqual(["k 2 *"]);
});

test("a tree that is removed or moved takes the newest versions along, and leaves the others", async () => {
  await using bucket = await VersionedBucket.open();
  const { tree } = bucket;
  await bucket.put("d/k", "1");
  await bucket.put("d/k", "2");
  await tree.call("rename", { source: `/${BUCKET}/d`, target: `/${BUCKET}/e` });
  expect(await bucket.list()).toEqual(["d/k 1", "e/k 2 *"]);
  await expect(bucket.text("d/k")).rejects.toThrow(refused("pathNotFound"));
  await bucket.put("d/k", "3");
  await bucket.put("e/k", "4");
  expect(await bucket.list()).toEqual(["d/k 3 *", "d/k 1", "e/k 4 *", "e/k 2"]);
  await tree.call("remove", { path: `/${BUCKET}/e`, recursive: true });
  expect(await bucket.list()).toEqual(["d/k 3 *", "d/k 1", "e/k 2"]);
  await tree.runAll();
  expect(await tree.violations()).toEqual([]);
});

test("a file without a version that comes with a tree takes the place of no version that is kept", async () => {
  await using bucket = await VersionedBucket.open({ versioning: "never" });
  const { tree } = bucket;
  await bucket.put("d/k", "first");
  await bucket.set(Versioning.ENABLED);
  await bucket.remove("d/k");
  await tree.put("/other/d/k", "came along");
  await tree.call("rename", { source: "/other/d", target: `/${BUCKET}/d` });
  await bucket.put("d/k", "last");
  expect(await bucket.list()).toEqual([
    "d/k last *",
    "d/k came along",
    "d/k removed",
    "d/k first null",
  ]);
  await tree.runAll();
  expect(await tree.violations()).toEqual([]);
});

test("a bucket takes its versions along to the trash, back, and out of the world", async () => {
  await using bucket = await VersionedBucket.open({ settings: { trashMs: 1000 } });
  const { tree } = bucket;
  for (let at = 0; at < 270; at++) await bucket.put(`k${at % 7}`, `${at}`);
  await bucket.remove("k1");
  const before = await bucket.list();
  const path = `/${BUCKET}`;
  await expect(tree.call("remove", { path })).rejects.toThrow(refused("directoryNotEmpty"));
  await tree.call("remove", { path, recursive: true });
  await tree.trash("restoreTrash", { item: { case: "path", value: path } });
  expect(await bucket.list()).toEqual(before);
  await tree.call("remove", { path, recursive: true });
  await tree.clock.advance(3_600_000);
  await tree.runAll();
  const { versions, versionBytes, deleteMarkers, files } = await tree.kv.read(readCounters);
  expect({ versions, versionBytes, deleteMarkers, files }).toEqual({
    ...{ versions: 0, versionBytes: 0, deleteMarkers: 0, files: 0 },
  });
  expect(await tree.violations()).toEqual([]);
});

test("a bucket with versions moves to another name, and not into another bucket", async () => {
  await using bucket = await VersionedBucket.open({ settings: { trashMs: 1000 } });
  const { tree } = bucket;
  await bucket.put("k", "1");
  await bucket.remove("k");
  await tree.call("makeDirectory", { path: "/other" });
  const below = tree.call("rename", { source: `/${BUCKET}`, target: "/other/b" });
  await expect(below).rejects.toThrow(refused("conflictingState"));
  await tree.call("rename", { source: `/${BUCKET}`, target: "/renamed" });
  const { items } = await tree.objects("listVersions", { bucket: "renamed" });
  expect(items).toHaveLength(2);
  await expect(tree.call("remove", { path: "/renamed" })).rejects.toThrow(
    refused("directoryNotEmpty"),
  );
  await tree.call("remove", { path: "/renamed", recursive: true });
  const item = { case: "path" as const, value: "/renamed" };
  const nested = tree.trash("restoreTrash", { item, target: "/other/b" });
  await expect(nested).rejects.toThrow(refused("conflictingState"));
  expect(await tree.violations()).toEqual([]);
});
