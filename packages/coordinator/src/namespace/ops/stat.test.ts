import { EntryKind } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { expect, test } from "vitest";
import { TestNamespace } from "../testing/test-namespace.ts";

test("the root is a directory without a name", async () => {
  await using ns = await TestNamespace.open();
  const { entry } = await ns.call("stat", { path: "/" });
  expect(entry).toMatchObject({ kind: EntryKind.DIRECTORY, name: "", inodeId: 1n, mode: 0o755 });
});

test("a file shows what was put", async () => {
  await using ns = await TestNamespace.open();
  const { entry: put } = await ns.put("/a/b.txt", "hello");
  const { entry } = await ns.call("stat", { path: "/a/b.txt" });
  expect(entry).toEqual(put);
  expect(entry).toMatchObject({ kind: EntryKind.FILE, name: "b.txt", sizeBytes: 5n, mode: 0o644 });
});

test.each([
  ["/missing", "pathNotFound"],
  ["/a/missing", "pathNotFound"],
  ["/missing/b", "pathNotFound"],
  ["/a/file/b", "notADirectory"],
  ["a", "invalidPath"],
])("a stat of %s is refused as %s", async (path, reason) => {
  await using ns = await TestNamespace.open();
  await ns.put("/a/file");
  await expect(ns.call("stat", { path })).rejects.toMatchObject({ reason });
});

test("the error names the first component that is missing", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/a/file");
  await expect(ns.call("stat", { path: "/a/b/c/d" })).rejects.toThrow("nothing is at /a/b");
});
