import { expect, test } from "vitest";
import { TestNamespace } from "../namespace/testing/test-namespace.ts";

const refused = (reason: string) => expect.objectContaining({ reason });
const bucket = "b";

async function open(...keys: readonly string[]): Promise<TestNamespace> {
  const namespace = await TestNamespace.open();
  await namespace.call("makeDirectory", { path: "/b" });
  for (const key of keys) await put(namespace, key);
  return namespace;
}

function put(namespace: TestNamespace, key: string) {
  return namespace.call("putFile", {
    path: `/b/${key}`,
    attributes: { contentType: "text/x", userMetadata: { values: { m: "1" } } },
    object: { attributes: { owner: "u", tags: { t: "1" }, acl: Buffer.from("acl") } },
    inlineBytes: Buffer.from(key),
  });
}

async function textOf(namespace: TestNamespace, key: string): Promise<string> {
  const { inlineBytes } = await namespace.objects("openObject", { bucket, key });
  return Buffer.from(inlineBytes ?? []).toString();
}

test("a copy has what belongs to the content, and says of itself what it is told", async () => {
  await using namespace = await open("a");
  const copied = { sourceBucket: bucket, sourceKey: "a", bucket, key: "x/y" };
  const { entry } = await namespace.objects("copyObject", copied);
  expect(entry).toMatchObject({ name: "y", contentType: "text/x", userMetadata: { m: "1" } });
  expect(entry?.object).toMatchObject({ owner: "", tags: { t: "1" }, acl: new Uint8Array(0) });
  const told = await namespace.objects("copyObject", {
    ...copied,
    attributes: { contentType: "", userMetadata: { values: {} } },
    object: { owner: "v" },
  });
  expect(told.entry).toMatchObject({ contentType: "", userMetadata: {} });
  expect(told.entry?.object).toMatchObject({ owner: "v", tags: {} });
  expect(await textOf(namespace, "x/y")).toBe("a");
  expect(await namespace.violations()).toEqual([]);
});

test("an object is copied onto itself", async () => {
  await using namespace = await open("a");
  const self = { sourceBucket: bucket, sourceKey: "a", bucket, key: "a", object: { owner: "n" } };
  const { entry } = await namespace.objects("copyObject", self);
  expect(entry?.object?.owner).toBe("n");
  expect(await textOf(namespace, "a")).toBe("a");
  expect(await namespace.violations()).toEqual([]);
});

test("a copy of another inode than was seen is refused, as is one over a precondition", async () => {
  await using namespace = await open("a", "c");
  const copied = { sourceBucket: bucket, sourceKey: "a", bucket, key: "c" };
  const changed = namespace.objects("copyObject", { ...copied, sourceInodeId: 1n });
  await expect(changed).rejects.toThrow(refused("preconditionFailed"));
  const precondition = { condition: { case: "mustNotExist" as const, value: true } };
  const taken = namespace.objects("copyObject", { ...copied, precondition });
  await expect(taken).rejects.toThrow(refused("pathExists"));
  expect(await textOf(namespace, "c")).toBe("c");
  expect(await namespace.violations()).toEqual([]);
});

test("what is said of an object is replaced whole, at the version that was seen", async () => {
  await using namespace = await open("a");
  const { entry } = await namespace.objects("statObject", { bucket, key: "a" });
  const set = { bucket, key: "a", object: { tags: { other: "2" } } };
  const after = await namespace.objects("setObject", {
    ...set,
    entryVersion: entry?.version ?? 0n,
  });
  expect(after.entry).toMatchObject({ inodeId: entry?.inodeId, modifiedMs: entry?.modifiedMs });
  expect(after.entry?.object).toMatchObject({ tags: { other: "2" }, owner: "" });
  const late = namespace.objects("setObject", { ...set, entryVersion: entry?.version ?? 0n });
  await expect(late).rejects.toThrow(refused("preconditionFailed"));
  const tags = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`${at}`, ""]));
  const tooMany = namespace.objects("setObject", { ...set, object: { tags } });
  await expect(tooMany).rejects.toThrow(refused("invalidArgument"));
});

test("of several that are removed some may be refused and the others go", async () => {
  await using namespace = await open("a", "d/e", "kept");
  const { results } = await namespace.objects("removeObjects", {
    bucket,
    items: [
      { key: "a" },
      { key: "kept", precondition: { condition: { case: "version", value: 1n } } },
      { key: "" },
      { key: "nothing" },
      { key: "d/e" },
      { key: "a", versionId: "what" },
    ],
  });
  expect(results.map(({ removed, error }) => error?.reason ?? removed?.existed)).toEqual([
    true,
    "preconditionFailed",
    "invalidPath",
    false,
    true,
    "invalidArgument",
  ]);
  expect(await namespace.names("/b")).toEqual(["kept"]);
  expect(await namespace.violations()).toEqual([]);
});

test("an object moves over another, and beside a directory of its name", async () => {
  await using namespace = await open("a", "c", "d/e");
  await namespace.objects("renameObject", { bucket, sourceKey: "a", key: "c" });
  expect(await textOf(namespace, "c")).toBe("a");
  await namespace.objects("renameObject", { bucket, sourceKey: "c", key: "d" });
  expect(await textOf(namespace, "d")).toBe("a");
  await namespace.objects("renameObject", { bucket, sourceKey: "d/e", key: "f/g/" });
  expect(await namespace.names("/b")).toEqual(["d", "f"]);
  const gone = namespace.objects("renameObject", { bucket, sourceKey: "d/e", key: "x" });
  await expect(gone).rejects.toThrow(refused("pathNotFound"));
  expect(await namespace.violations()).toEqual([]);
});

test("a prefix moves with everything below it, at once", async () => {
  await using namespace = await open("p/", "p/1", "p/q/2", "p");
  const moved = { bucket, sourceKey: "p/", key: "new/place/", isPrefix: true };
  await namespace.objects("renameObject", moved);
  for (const key of ["", "1", "q/2"]) {
    expect(await textOf(namespace, `new/place/${key}`)).toBe(`p/${key}`);
  }
  expect(await textOf(namespace, "p")).toBe("p");
  await expect(namespace.objects("renameObject", moved)).rejects.toThrow(refused("pathNotFound"));
  const below = { bucket, sourceKey: "new/", key: "new/place/deeper/", isPrefix: true };
  await expect(namespace.objects("renameObject", below)).rejects.toThrow(refused("renameIntoSelf"));
  const noPrefix = { bucket, sourceKey: "new", key: "x/", isPrefix: true };
  await expect(namespace.objects("renameObject", noPrefix)).rejects.toThrow(
    refused("invalidArgument"),
  );
  expect(await namespace.violations()).toEqual([]);
});
