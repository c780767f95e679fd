import { present } from "@cairnfs/base/assert";
import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { bucketDocuments, bucketLifecycles, buckets } from "../keyspace.ts";
import { TestNamespace } from "../namespace/testing/test-namespace.ts";
import { listBuckets } from "./list-buckets.ts";

async function rowsLeft(tree: TestNamespace): Promise<number> {
  return tree.kv.read(async (reader) => {
    const pages = await Promise.all(
      [buckets, bucketLifecycles, bucketDocuments].map((table) =>
        table.rawPage(reader, { limit: 100 }),
      ),
    );
    return pages.flat().length;
  });
}

test("a bucket is made, shown, changed and removed", async () => {
  await using tree = await TestNamespace.open();
  const { bucket: made } = await tree.bucket("createBucket", {
    name: "photos",
    owner: "u1",
    region: "eu",
    documents: [{ name: "acl", value: Buffer.from("private") }],
  });
  expect(made).toMatchObject({ name: "photos", owner: "u1", region: "eu", versioning: 0 });

  const { bucket: changed } = await tree.bucket("setBucket", {
    name: "photos",
    versioning: 1,
    lifecycle: { rules: [{ id: "old", isEnabled: true, expireDays: 3 }] },
    documents: [{ name: "policy", value: Buffer.from("{}") }],
    removedDocuments: ["acl", "cors"],
    expectedVersion: present(made, "made").version,
  });
  const { bucket: shown } = await tree.bucket("statBucket", { name: "photos" });
  expect(shown).toEqual(changed);
  expect(shown?.documents.map(({ name }) => name)).toEqual(["policy"]);
  expect(shown?.lifecycle?.rules[0]).toMatchObject({ id: "old", expireDays: 3 });
  expect(shown?.versioning).toBe(1);
  expect(shown?.version).toBeGreaterThan(made?.version ?? 0n);

  await tree.bucket("removeBucket", { name: "photos" });
  await expect(tree.bucket("statBucket", { name: "photos" })).rejects.toMatchObject({
    reason: "pathNotFound",
  });
  expect(await rowsLeft(tree)).toBe(0);
  expect(await tree.violations()).toEqual([]);
});

test("who makes a bucket that is there hears whose it is", async () => {
  await using tree = await TestNamespace.open();
  await tree.bucket("createBucket", { name: "taken", owner: "u1" });
  await expect(tree.bucket("createBucket", { name: "taken", owner: "u2" })).rejects.toMatchObject({
    reason: "pathExists",
    details: { owner: "u1" },
  });
  await tree.put("/file", "x");
  await expect(tree.bucket("createBucket", { name: "file" })).rejects.toMatchObject({
    reason: "pathExists",
    details: {},
  });
});

test("a directory at the root with the name of a bucket is a bucket of the root user", async () => {
  await using tree = await TestNamespace.open();
  await tree.put("/made-by-hand/a", "x");
  await tree.put("/Not_One/a", "x");
  const { bucket } = await tree.bucket("statBucket", { name: "made-by-hand" });
  expect(bucket).toMatchObject({ owner: "", versioning: 0, hasObjectLock: false });
  await expect(tree.bucket("statBucket", { name: "Not_One" })).rejects.toMatchObject({
    reason: "pathNotFound",
  });
  const set = {
    name: "made-by-hand",
    expectedVersion: bucket?.version ?? 0n,
    versioning: 2 as const,
  };
  await tree.bucket("setBucket", set);
  await expect(tree.bucket("setBucket", set)).rejects.toMatchObject({
    reason: "preconditionFailed",
  });
});

test("versioning never goes, and object lock neither goes nor does without it", async () => {
  await using tree = await TestNamespace.open();
  await tree.bucket("createBucket", { name: "plain" });
  const refused = async (init: Parameters<typeof tree.bucket<"setBucket">>[1], reason: string) =>
    expect(tree.bucket("setBucket", init)).rejects.toMatchObject({ reason });
  await refused({ name: "plain", hasObjectLock: true }, "conflictingState");
  await refused({ name: "plain", defaultRetention: { mode: 1, days: 1 } }, "conflictingState");
  await refused({ name: "plain", versioning: 0 }, "invalidArgument");
  await tree.bucket("setBucket", { name: "plain", versioning: 1, hasObjectLock: true });
  await refused({ name: "plain", versioning: 2 }, "conflictingState");
  await refused({ name: "plain", hasObjectLock: false }, "conflictingState");
  await refused(
    { name: "plain", defaultRetention: { mode: 1, days: 1, years: 1 } },
    "invalidArgument",
  );
  const { bucket } = await tree.bucket("setBucket", {
    name: "plain",
    defaultRetention: { mode: 2, years: 7 },
  });
  expect(bucket?.defaultRetention).toMatchObject({ mode: 2, days: 0, years: 7 });
  const { bucket: without } = await tree.bucket("setBucket", {
    name: "plain",
    defaultRetention: {},
  });
  expect(without?.defaultRetention).toBeUndefined();

  const { bucket: locked } = await tree.bucket("createBucket", {
    name: "locked",
    hasObjectLock: true,
  });
  expect(locked).toMatchObject({ versioning: 1, hasObjectLock: true });
});

test("documents are bounded, each and together", async () => {
  await using tree = await TestNamespace.open();
  await tree.bucket("createBucket", { name: "docs" });
  const set = (name: string, sizeBytes: number) =>
    tree.bucket("setBucket", {
      name: "docs",
      documents: [{ name, value: Buffer.alloc(sizeBytes) }],
    });
  for (const name of ["a", "b", "c", "d"]) await set(name, 64 * 1024);
  await set("d", 64 * 1024);
  await expect(set("e", 1)).rejects.toMatchObject({ reason: "invalidArgument" });
  await expect(set("a", 64 * 1024 + 1)).rejects.toMatchObject({ reason: "invalidArgument" });
  await expect(set("no/slash", 1)).rejects.toMatchObject({ reason: "invalidArgument" });
  const { bucket } = await tree.bucket("statBucket", { name: "docs" });
  expect(bucket?.documents).toHaveLength(4);
});

test("a bucket with an object stays, one with empty directories goes with them", async () => {
  await using tree = await TestNamespace.open();
  await tree.bucket("createBucket", { name: "full", documents: [{ name: "acl" }] });
  await tree.call("makeDirectory", { path: "/full/x/y", parents: true });
  await tree.call("makeDirectory", { path: "/full/z", parents: true });
  await tree.put("/full/x/y/file", "x");
  await expect(tree.bucket("removeBucket", { name: "full" })).rejects.toMatchObject({
    reason: "directoryNotEmpty",
  });
  expect(await rowsLeft(tree)).toBe(2);
  await tree.call("remove", { path: "/full/x/y/file" });
  await tree.bucket("removeBucket", { name: "full" });
  await tree.runAll();
  expect(await rowsLeft(tree)).toBe(0);
  expect(await tree.names("/")).toEqual([]);
  expect(await tree.violations()).toEqual([]);
});

test("a bucket that is removed as a tree keeps what it was until it is let go", async () => {
  await using tree = await TestNamespace.open({ settings: { trashMs: 1_000 } });
  await tree.bucket("createBucket", { name: "gone", owner: "u1" });
  await tree.put("/gone/a/b", "x");
  await tree.call("remove", { path: "/gone", recursive: true });
  await tree.trash("restoreTrash", { item: { case: "path", value: "/gone" } });
  const { bucket } = await tree.bucket("statBucket", { name: "gone" });
  expect(bucket?.owner).toBe("u1");
  await tree.call("remove", { path: "/gone", recursive: true });
  await tree.clock.advance(2_000);
  await tree.runAll();
  expect(await rowsLeft(tree)).toBe(0);
});

test("buckets are listed in byte order of their names, whatever page they are on", async () => {
  await using tree = await TestNamespace.open();
  const random = new Prng(7);
  const pick = (from: string) => from[Math.floor(random.next() * from.length)] ?? "";
  const names = new Set(["aaa", "aaa-b", "aaa.b", "aaa-b.c", "aaab", "aaa-b-c"]);
  for (let at = 0; at < 600; at++) {
    let name = "aaa";
    for (let left = Math.floor(random.next() * 6); left > 0; left--) name += pick("a-.b");
    names.add(name);
  }
  const made: string[] = [];
  for (const name of names) {
    if (await tree.bucket("createBucket", { name }).catch(() => undefined)) made.push(name);
  }
  await tree.put("/aaa-file", "x");
  await tree.put("/aaa!/x", "x");
  made.sort();
  expect(made.length).toBeGreaterThan(50);
  for (const limit of [1, 3, 1000]) {
    const listed: string[] = [];
    for (let after = ""; ; ) {
      const page = await tree.bucket("listBuckets", { after, limit });
      expect(page.buckets.length).toBeLessThanOrEqual(limit);
      listed.push(...page.buckets.map(({ name }) => name));
      after = page.nextAfter;
      if (after === "") break;
    }
    expect(listed).toEqual(made);
  }
  for (const after of ["", "aaa", "aaa-b", "aaab", "b"]) {
    const { buckets: page } = await tree.bucket("listBuckets", { after, prefix: "aaa-" });
    const wanted = made.filter((name) => name > after && name.startsWith("aaa-"));
    expect(page.map(({ name }) => name)).toEqual(wanted);
  }
});

test("much else at the root ends a page early, and no bucket is lost by it", async () => {
  await using tree = await TestNamespace.open();
  await tree.bucket("createBucket", { name: "f-bucket" });
  await tree.bucket("createBucket", { name: "fff" });
  await tree.bucket("createBucket", { name: "zzz" });
  for (let at = 0; at < 101; at++) await tree.put(`/fff-${String(at).padStart(6, "0")}!`, "");
  const pageAfter = (after: string) =>
    tree.kv.read((reader) => listBuckets(reader, { after, prefix: "", limit: 1_000 }, 100));
  const first = await pageAfter("");
  expect(first.nextAfter).not.toBe("");
  const second = await pageAfter(first.nextAfter);
  const found = [...first.buckets, ...second.buckets].map(({ name }) => name);
  expect(found).toEqual(["f-bucket", "fff", "zzz"]);
  expect(second.nextAfter).toBe("");
});

test("a lifecycle whose rules contradict themselves is refused, one without rules takes it away", async () => {
  await using tree = await TestNamespace.open();
  await tree.bucket("createBucket", { name: "old" });
  const set = (...rules: readonly object[]) =>
    tree.bucket("setBucket", { name: "old", lifecycle: { rules: [...rules] } });
  const refused = [
    [
      { id: "a", expireDays: 1 },
      { id: "a", expireDays: 2 },
    ],
    [{ id: "a", expireDays: 0 }],
    [{ id: "a", expireDays: 1, expireAtMs: 1n }],
    [{ id: "x".repeat(256), expireDays: 1 }],
    Array.from({ length: 1_001 }, (_, at) => ({ id: `${at}`, expireDays: 1 })),
  ];
  for (const rules of refused) {
    await expect(set(...rules)).rejects.toMatchObject({ reason: "invalidArgument" });
  }
  const { bucket } = await set({ id: "a", expireDays: 1, source: Buffer.from("xml") });
  expect(bucket?.lifecycle?.rules).toHaveLength(1);
  expect((await set()).bucket?.lifecycle).toBeUndefined();
  expect(await rowsLeft(tree)).toBe(1);
});
