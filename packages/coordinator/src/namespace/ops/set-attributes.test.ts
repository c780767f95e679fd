import { expect, test } from "vitest";
import { TestNamespace } from "../testing/test-namespace.ts";

test("what is given changes, what is absent stays", async () => {
  await using ns = await TestNamespace.open();
  const { entry: put } = await ns.put("/f");
  await ns.call("setAttributes", { path: "/f", attributes: { contentType: "a/b", mode: 0o7777 } });
  const { entry } = await ns.call("setAttributes", {
    path: "/f",
    attributes: { modifiedMs: 5n, userMetadata: { values: { a: "1" } } },
  });
  expect(entry).toMatchObject({
    contentType: "a/b",
    mode: 0o7777,
    modifiedMs: 5n,
    userMetadata: { a: "1" },
    inodeId: put?.inodeId,
  });
});

test("a policy is inherited by what is below, the nearest directory first", async () => {
  await using ns = await TestNamespace.open();
  await ns.call("makeDirectory", { path: "/a/b", parents: true });
  await ns.call("setAttributes", {
    path: "/",
    policy: { replicationFactor: 2, chunkSizeBytes: 131_072n },
  });
  await ns.call("setAttributes", { path: "/a/b", policy: { replicationFactor: 5 } });
  const { entry: near } = await ns.put("/a/b/f");
  expect(near).toMatchObject({ replicationFactor: 5, chunkSizeBytes: 131_072n });
  await ns.call("setAttributes", { path: "/a/b", policy: {} });
  const { entry: far } = await ns.put("/a/b/g");
  expect(far).toMatchObject({ replicationFactor: 2, chunkSizeBytes: 131_072n });
});

const metadata = (sizeBytes: number) => ({
  userMetadata: { values: { name: "v".repeat(sizeBytes - 4) } },
});

test("limits are allowed at the limit", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/f");
  await ns.call("setAttributes", {
    path: "/f",
    attributes: { ...metadata(8192), contentType: "c".repeat(255) },
  });
  for (const chunkSizeBytes of [65_536n, 536_870_912n]) {
    for (const replicationFactor of [1, 16]) {
      await ns.call("setAttributes", { path: "/", policy: { chunkSizeBytes, replicationFactor } });
    }
  }
});

test.each([
  [{ path: "/missing" }, "pathNotFound"],
  [{ path: "/f", policy: {} }, "notADirectory"],
  [{ path: "/f", attributes: { mode: 0o10000 } }, "invalidArgument"],
  [{ path: "/f", attributes: { contentType: "c".repeat(256) } }, "invalidArgument"],
  [{ path: "/f", attributes: metadata(8193) }, "invalidArgument"],
  [{ path: "/f", attributes: { userMetadata: { values: { "": "x" } } } }, "invalidArgument"],
  [{ path: "/f", attributes: { modifiedMs: 2n ** 53n } }, "invalidArgument"],
  [{ path: "/", policy: { chunkSizeBytes: 536_870_913n } }, "invalidArgument"],
  [{ path: "/", policy: { replicationFactor: 0 } }, "invalidArgument"],
  [
    { path: "/f", precondition: { condition: { case: "inodeId" as const, value: 9n } } },
    "preconditionFailed",
  ],
  [
    { path: "/f", precondition: { condition: { case: "mustNotExist" as const, value: true } } },
    "pathExists",
  ],
])("setting %o is refused as %s", async (request, reason) => {
  await using ns = await TestNamespace.open();
  await ns.put("/f");
  await expect(ns.call("setAttributes", request)).rejects.toMatchObject({ reason });
});

test("a precondition on the version lets one of two writers through", async () => {
  await using ns = await TestNamespace.open();
  const { entry } = await ns.put("/f");
  const precondition = { condition: { case: "version" as const, value: entry?.version ?? 0n } };
  const outcomes = await Promise.allSettled(
    [1, 2].map((mode) =>
      ns.call("setAttributes", { path: "/f", attributes: { mode }, precondition }),
    ),
  );
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(["fulfilled", "rejected"]);
});
