import { expect, test } from "vitest";
import { TestNamespace } from "../testing/test-namespace.ts";

test("a file moves with its inode and its bytes", async () => {
  await using ns = await TestNamespace.open();
  const { entry: before } = await ns.put("/a/f", "hello");
  const { entry: after } = await ns.call("rename", {
    source: "/a/f",
    target: "/b/c/g",
    parents: true,
  });
  expect(after).toMatchObject({ name: "g", inodeId: before?.inodeId, sizeBytes: 5n });
  expect(after?.version).toBeGreaterThan(before?.version ?? 0n);
  expect(await ns.names("/a")).toEqual([]);
  const opened = await ns.call("openFile", { path: "/b/c/g" });
  expect(Buffer.from(opened.inlineBytes ?? []).toString()).toBe("hello");
  expect(await ns.violations()).toEqual([]);
});

test("a directory moves with all that is below it", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/a/b/c/f");
  await ns.call("rename", { source: "/a/b", target: "/x" });
  expect(await ns.names("/x/c")).toEqual(["f"]);
  await expect(ns.call("stat", { path: "/a/b/c/f" })).rejects.toMatchObject({
    reason: "pathNotFound",
  });
  expect(await ns.violations()).toEqual([]);
});

test("a file replaces a file, whose content is let go", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/old", "old");
  await ns.put("/new", "new");
  await ns.call("rename", { source: "/new", target: "/old" });
  expect(await ns.names("/")).toEqual(["old"]);
  expect((await ns.call("stat", { path: "/old" })).entry?.sizeBytes).toBe(3n);
  expect(await ns.violations()).toEqual([]);
});

test("the same source and target change nothing", async () => {
  await using ns = await TestNamespace.open();
  const { entry: before } = await ns.put("/f");
  const { entry: after } = await ns.call("rename", { source: "/f", target: "/f", noReplace: true });
  expect(after).toEqual(before);
});

test.each([
  ["/missing", "/x", {}, "pathNotFound"],
  ["/f", "/missing/x", {}, "pathNotFound"],
  ["/f", "/g/x", {}, "notADirectory"],
  ["/f", "/f/x", { parents: true }, "notADirectory"],
  ["/f", "/g", { noReplace: true }, "pathExists"],
  ["/f", "/d", {}, "pathExists"],
  ["/d", "/e", {}, "pathExists"],
  ["/d", "/f", {}, "pathExists"],
  ["/d", "/d/x", {}, "renameIntoSelf"],
  ["/d", "/d/x/y/z", { parents: true }, "renameIntoSelf"],
  ["/d", "/d/inner/x", {}, "renameIntoSelf"],
  ["/", "/x", {}, "invalidArgument"],
  ["/d", "/", {}, "invalidArgument"],
])("a rename of %s to %s with %j is refused as %s", async (source, target, options, reason) => {
  await using ns = await TestNamespace.open();
  await ns.put("/f");
  await ns.put("/g");
  await ns.put("/d/inner/file");
  await ns.call("makeDirectory", { path: "/e" });
  await expect(ns.call("rename", { source, target, ...options })).rejects.toMatchObject({ reason });
  expect(await ns.violations()).toEqual([]);
});

test("of two renames that would make a cycle together, one wins and one is refused", async () => {
  // Goal: each rename is legal alone; both at once would cut a and b off the root.
  await using ns = await TestNamespace.open();
  await ns.put("/a/in/f");
  await ns.put("/b/in/f");
  const outcomes = await Promise.allSettled([
    ns.call("rename", { source: "/a", target: "/b/in/a" }),
    ns.call("rename", { source: "/b", target: "/a/in/b" }),
  ]);
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(await ns.violations()).toEqual([]);
});

test("a directory that moves while files are put into it takes all of them along, or they are refused", async () => {
  await using ns = await TestNamespace.open();
  await ns.call("makeDirectory", { path: "/d" });
  const puts = Array.from({ length: 8 }, (_, at) =>
    ns.call("putFile", { path: `/d/f${at}`, inlineBytes: Buffer.from("x") }),
  );
  const moved = ns.call("rename", { source: "/d", target: "/e" });
  const outcomes = await Promise.allSettled(puts);
  await moved;
  const done = outcomes.filter((outcome) => outcome.status === "fulfilled");
  expect(await ns.names("/e")).toHaveLength(done.length);
  expect(await ns.names("/")).toEqual(["e"]);
  expect(await ns.violations()).toEqual([]);
});
