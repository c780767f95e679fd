import { expect, test } from "vitest";
import { TestNamespace } from "../testing/test-namespace.ts";

test("a directory has the attributes and the policy it was made with", async () => {
  await using ns = await TestNamespace.open();
  const policy = { chunkSizeBytes: 65_536n, replicationFactor: 2 };
  await ns.call("makeDirectory", {
    path: "/d",
    attributes: { mode: 0o700, userMetadata: { values: { owner: "me" } } },
    policy,
  });
  const { entry } = await ns.call("stat", { path: "/d" });
  expect(entry).toMatchObject({ mode: 0o700, userMetadata: { owner: "me" }, policy });
});

test("with parents the whole path is made, and making it again is no error", async () => {
  await using ns = await TestNamespace.open();
  const { entry: first } = await ns.call("makeDirectory", { path: "/a/b/c", parents: true });
  const { entry: again } = await ns.call("makeDirectory", { path: "/a/b/c", parents: true });
  expect(again).toEqual(first);
  await ns.call("makeDirectory", { path: "/", parents: true });
  expect(await ns.names("/a/b")).toEqual(["c"]);
  expect(await ns.violations()).toEqual([]);
});

test.each([
  [{ path: "/d" }, "pathExists"],
  [{ path: "/" }, "pathExists"],
  [{ path: "/f" }, "pathExists"],
  [{ path: "/f", parents: true }, "pathExists"],
  [{ path: "/f/x", parents: true }, "notADirectory"],
  [{ path: "/missing/x" }, "pathNotFound"],
  [{ path: "/n", policy: { replicationFactor: 17 } }, "invalidArgument"],
  [{ path: "/n", policy: { chunkSizeBytes: 65_535n } }, "invalidArgument"],
])("making %o is refused as %s", async (request, reason) => {
  await using ns = await TestNamespace.open();
  await ns.put("/f");
  await ns.call("makeDirectory", { path: "/d" });
  await expect(ns.call("makeDirectory", request)).rejects.toMatchObject({ reason });
});

test("a name is a file or a directory, not both: the second form is refused", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/a");
  await ns.call("makeDirectory", { path: "/b" });
  await expect(ns.call("makeDirectory", { path: "/a" })).rejects.toMatchObject({
    reason: "pathExists",
  });
  await expect(ns.put("/b")).rejects.toMatchObject({ reason: "isADirectory" });
});

test("two calls that make the same directory at once make one", async () => {
  await using ns = await TestNamespace.open();
  const outcomes = await Promise.allSettled(
    [1, 2, 3, 4].map(() => ns.call("makeDirectory", { path: "/d" })),
  );
  expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
  expect(await ns.violations()).toEqual([]);
});
