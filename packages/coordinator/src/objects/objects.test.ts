import { expect, test } from "vitest";
import { TestNamespace } from "../namespace/testing/test-namespace.ts";

const refused = (reason: string) => expect.objectContaining({ reason });

async function open(): Promise<TestNamespace> {
  const namespace = await TestNamespace.open();
  await namespace.call("makeDirectory", { path: "/b" });
  return namespace;
}

function put(namespace: TestNamespace, key: string, text = key) {
  return namespace.call("putFile", {
    path: `/b/${key}`,
    object: { attributes: { owner: "u" } },
    inlineBytes: Buffer.from(text),
  });
}

test("keys that differ in slashes only are objects of their own", async () => {
  await using namespace = await open();
  const keys = ["a", "a/", "a/b", "a//b", "a//", "/", "//a", "..", "./x", "é/\u0001", "a b?#%"];
  for (const key of keys) await put(namespace, key);
  for (const key of keys) {
    const opened = await namespace.objects("openObject", { bucket: "b", key });
    expect(Buffer.from(opened.inlineBytes ?? []).toString()).toBe(key);
    expect(opened.entry?.object?.owner).toBe("u");
    expect(opened.version).toMatchObject({ versionId: "", isLatest: true });
  }
  expect(await namespace.violations()).toEqual([]);
  for (const key of keys) {
    const removed = await namespace.objects("removeObject", { bucket: "b", key });
    expect(removed).toMatchObject({ existed: true, versionId: "", isDeleteMarker: false });
    const gone = namespace.objects("statObject", { bucket: "b", key });
    await expect(gone).rejects.toThrow(refused("pathNotFound"));
  }
  expect(await namespace.names("/b")).toEqual([]);
  expect(await namespace.violations()).toEqual([]);
});

test("a key may have 1,024 bytes, all of them slashes", async () => {
  await using namespace = await open();
  for (const key of ["/".repeat(1024), "x".repeat(1024), `${"x".repeat(1023)}/`]) {
    await put(namespace, key);
    await namespace.objects("removeObject", { bucket: "b", key });
    await expect(put(namespace, `${key}x`)).rejects.toThrow(refused("invalidPath"));
  }
  for (const key of ["", "a\0b"]) {
    await expect(put(namespace, key)).rejects.toThrow(refused("invalidPath"));
  }
  expect(await namespace.names("/b")).toEqual([]);
  expect(await namespace.violations()).toEqual([]);
});

test("an object in a bucket that is not there is not put, and the bucket not made", async () => {
  await using namespace = await open();
  const path = "/other/a";
  const object = { attributes: {} };
  await expect(namespace.call("putFile", { path, object, parents: true })).rejects.toThrow(
    refused("pathNotFound"),
  );
  await expect(namespace.call("beginUpload", { path, object, parents: true })).rejects.toThrow(
    refused("pathNotFound"),
  );
  const removed = namespace.objects("removeObject", { bucket: "other", key: "a" });
  await expect(removed).rejects.toThrow(refused("pathNotFound"));
  expect(await namespace.names("/")).toEqual(["b"]);
});

test("what objects' keys made goes with the last of them; what others made stays", async () => {
  await using namespace = await open();
  await put(namespace, "x/y/z/1");
  await put(namespace, "x/y/2");
  await namespace.call("makeDirectory", { path: "/b/own" });
  await put(namespace, "own/in/1");
  await namespace.call("remove", { path: "/b/x/y/z/1" });
  expect(await namespace.names("/b/x/y")).toEqual(["2"]);
  await namespace.call("rename", { source: "/b/x/y/2", target: "/b/2" });
  expect(await namespace.names("/b")).toEqual(["2", "own"]);
  await namespace.objects("removeObject", { bucket: "b", key: "own/in/1" });
  expect(await namespace.names("/b/own")).toEqual([]);
  expect(await namespace.violations()).toEqual([]);
});

test("a directory that a key made stays once somebody has asked for it or said something of it", async () => {
  await using namespace = await open();
  await put(namespace, "asked/1");
  await namespace.call("makeDirectory", { path: "/b/asked", parents: true });
  await put(namespace, "said/1");
  await namespace.call("setAttributes", { path: "/b/said", policy: { replicationFactor: 2 } });
  await put(namespace, "moved/1");
  await namespace.call("rename", { source: "/b/moved", target: "/b/named" });
  for (const key of ["asked/1", "said/1", "named/1"]) {
    await namespace.objects("removeObject", { bucket: "b", key });
  }
  expect(await namespace.names("/b")).toEqual(["asked", "named", "said"]);
});

test("the object of a key that ends with a slash is a directory's mark: not listed, and gone with it", async () => {
  await using namespace = await open();
  await put(namespace, "d/");
  await put(namespace, "e/");
  await put(namespace, "e/1");
  expect(await namespace.names("/b")).toEqual(["d", "e"]);
  expect(await namespace.names("/b/e")).toEqual(["1"]);
  await namespace.call("remove", { path: "/b/d" });
  await expect(namespace.call("remove", { path: "/b/e" })).rejects.toThrow(
    refused("directoryNotEmpty"),
  );
  await namespace.call("remove", { path: "/b/e/1" });
  expect(await namespace.names("/b")).toEqual(["e"]);
  await namespace.objects("removeObject", { bucket: "b", key: "e/" });
  expect(await namespace.names("/b")).toEqual([]);
  await namespace.runAll();
  expect(await namespace.violations()).toEqual([]);
});

test("a removed tree with marks is added up once", async () => {
  await using namespace = await TestNamespace.open({ settings: { trashMs: 1000 } });
  await namespace.call("makeDirectory", { path: "/b" });
  for (let at = 0; at < 12; at++) await put(namespace, "d/".repeat(at + 1), "x");
  await namespace.call("remove", { path: "/b/d", recursive: true });
  await namespace.run("trash");
  const { items } = await namespace.trash("listTrash", {});
  expect(items[0]?.size).toMatchObject({ files: 12n, directories: 12n });
});

test("two that remove the last two of a directory leave none of it, and one who adds keeps it", async () => {
  await using namespace = await open();
  for (let round = 0; round < 20; round++) {
    await put(namespace, "d/e/1");
    await put(namespace, "d/e/2");
    const adds = round % 2 === 1;
    await Promise.all([
      namespace.objects("removeObject", { bucket: "b", key: "d/e/1" }),
      namespace.objects("removeObject", { bucket: "b", key: "d/e/2" }),
      adds ? put(namespace, "d/e/3") : undefined,
    ]);
    expect(await namespace.names("/b")).toEqual(adds ? ["d"] : []);
    if (adds) await namespace.objects("removeObject", { bucket: "b", key: "d/e/3" });
    expect(await namespace.violations()).toEqual([]);
  }
});

test("what is said of an object can come with the commit, and instead of what was said before", async () => {
  await using namespace = await open();
  const path = "/b/deep/key";
  const object = { attributes: { owner: "first" } };
  for (const said of [undefined, { owner: "second", md5: new Uint8Array(16).fill(7) }]) {
    const { sessionId } = await namespace.call("beginUpload", { path, object });
    const { entry } = await namespace.call("commitUpload", {
      sessionId,
      ...(said === undefined ? {} : { object: said }),
    });
    expect(entry?.object).toMatchObject(said ?? { owner: "first" });
  }
  expect(await namespace.violations()).toEqual([]);
});

test("what was begun in a bucket does not come into another one that has its name since", async () => {
  await using namespace = await open();
  const begin = { path: "/b/key", object: { attributes: {} } };
  const { sessionId } = await namespace.call("beginUpload", begin);
  await namespace.call("remove", { path: "/b", recursive: true });
  await namespace.call("makeDirectory", { path: "/b" });
  await expect(namespace.call("commitUpload", { sessionId })).rejects.toMatchObject({
    reason: "pathNotFound",
  });
  expect(await namespace.names("/b")).toEqual([]);
  expect(await namespace.violations()).toEqual([]);
});

test("a precondition is of the object, not of the directory of its name", async () => {
  await using namespace = await open();
  await put(namespace, "a/b");
  const terms = { path: "/b/a", object: {}, precondition: mustNotExist() };
  await namespace.call("putFile", terms);
  await expect(namespace.call("putFile", terms)).rejects.toThrow(refused("pathExists"));
});

test("paths that break the naming rules reach what is there and make nothing", async () => {
  await using namespace = await open();
  await put(namespace, "a//b");
  await put(namespace, "a/");
  expect((await namespace.call("stat", { path: "/b/a//b" })).entry?.sizeBytes).toBe(4n);
  expect(await namespace.names("/b/a/")).toEqual(["b"]);
  await namespace.call("rename", { source: "/b/a//b", target: "/b/c" });
  await namespace.call("remove", { path: "/b/a/" });
  expect(await namespace.names("/b")).toEqual(["c"]);
  for (const path of ["/b/a/", "/b//", "//b"]) {
    await expect(namespace.call("stat", { path })).rejects.toThrow(refused("invalidPath"));
    const made = namespace.call("putFile", { path, parents: true });
    await expect(made).rejects.toThrow(refused("invalidPath"));
  }
});

function mustNotExist() {
  return { condition: { case: "mustNotExist" as const, value: true } };
}
