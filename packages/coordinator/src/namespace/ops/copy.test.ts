import { expect, test } from "vitest";
import { chunkOf } from "../testing/fake-nodes.ts";
import { TestNamespace } from "../testing/test-namespace.ts";

test("a copy has an inode of its own and the same content", async () => {
  await using ns = await TestNamespace.open();
  const { entry: source } = await ns.upload("/d/f", [chunkOf("a"), chunkOf("b", 100)]);
  const { entry: copied } = await ns.call("copy", {
    source: "/d/f",
    target: "/e/g",
    parents: true,
    attributes: { mode: 0o600 },
  });
  expect(copied).toMatchObject({ contentId: source?.contentId, mode: 0o600, sizeBytes: 65_636n });
  expect(copied?.inodeId).not.toBe(source?.inodeId);
  expect(await ns.violations()).toEqual([]);
});

test("the content stays until its last entry is removed", async () => {
  await using ns = await TestNamespace.open();
  await ns.upload("/f", [chunkOf("a")]);
  await ns.call("copy", { source: "/f", target: "/g" });
  await ns.call("remove", { path: "/f" });
  await ns.clock.advance(ns.settings.contentGraceMs + 1);
  await ns.runAll();
  expect((await ns.call("openFile", { path: "/g" })).chunks).toHaveLength(1);
  expect(await ns.violations()).toEqual([]);
});

test("a copy onto itself changes its attributes and keeps its bytes", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/f", "bytes");
  await ns.call("copy", { source: "/f", target: "/f", attributes: { contentType: "text/x" } });
  const opened = await ns.call("openFile", { path: "/f" });
  expect(opened.entry?.contentType).toBe("text/x");
  expect(Buffer.from(opened.inlineBytes ?? []).toString()).toBe("bytes");
  expect(await ns.violations()).toEqual([]);
});

test.each([
  ["/missing", "/x", {}, "pathNotFound"],
  ["/d", "/x", {}, "isADirectory"],
  ["/f", "/d", {}, "isADirectory"],
  ["/f", "/g", { noReplace: true }, "pathExists"],
  ["/f", "/missing/x", {}, "pathNotFound"],
  ["/f", "/", {}, "invalidArgument"],
])("a copy of %s to %s with %j is refused as %s", async (source, target, options, reason) => {
  await using ns = await TestNamespace.open();
  await ns.put("/f");
  await ns.put("/g");
  await ns.put("/d/x");
  await expect(ns.call("copy", { source, target, ...options })).rejects.toMatchObject({ reason });
  expect(await ns.violations()).toEqual([]);
});

test("a copy that races with the removal of its source finds it, or not, but never half of it", async () => {
  await using ns = await TestNamespace.open();
  for (let round = 0; round < 10; round++) {
    await ns.upload("/f", [chunkOf("a")]);
    const [copied] = await Promise.allSettled([
      ns.call("copy", { source: "/f", target: "/g" }),
      ns.call("remove", { path: "/f" }),
    ]);
    expect(await ns.names("/")).toEqual(copied.status === "fulfilled" ? ["g"] : []);
    expect(await ns.violations()).toEqual([]);
    if (copied.status === "fulfilled") await ns.call("remove", { path: "/g" });
  }
});
