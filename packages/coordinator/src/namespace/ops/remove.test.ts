import { expect, test } from "vitest";
import { TestNamespace } from "../testing/test-namespace.ts";

test("a file and an empty directory are removed", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/d/f");
  await ns.call("remove", { path: "/d/f" });
  await ns.call("remove", { path: "/d" });
  expect(await ns.names("/")).toEqual([]);
  expect(await ns.violations()).toEqual([]);
});

test("a tree is gone at once and taken apart later, whatever its shape", async () => {
  await using ns = await TestNamespace.open();
  for (let at = 0; at < 600; at++) await ns.put(`/d/${at % 3}/${at % 7}/f${at}`);
  await ns.call("remove", { path: "/d", recursive: true });
  expect(await ns.names("/")).toEqual([]);
  await expect(ns.call("stat", { path: "/d/0/0/f0" })).rejects.toMatchObject({
    reason: "pathNotFound",
  });
  expect(await ns.violations()).toEqual([]);
  await ns.run("tombstones");
  expect(await ns.violations()).toEqual([]);
  const { readCounters } = await import("../../counters.ts");
  expect(await ns.kv.read(readCounters)).toMatchObject({
    files: 0,
    directories: 1,
    logicalBytes: 0,
  });
});

test("a new directory of the same name has nothing of the old one", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/d/old");
  await ns.call("remove", { path: "/d", recursive: true });
  await ns.put("/d/new");
  await ns.run("tombstones");
  expect(await ns.names("/d")).toEqual(["new"]);
  expect(await ns.violations()).toEqual([]);
});

test.each([
  [{ path: "/missing" }, "pathNotFound"],
  [{ path: "/" }, "invalidArgument"],
  [{ path: "/", recursive: true }, "invalidArgument"],
  [{ path: "/d" }, "directoryNotEmpty"],
  [
    { path: "/f", precondition: { condition: { case: "version" as const, value: 99n } } },
    "preconditionFailed",
  ],
])("removing %o is refused as %s", async (request, reason) => {
  await using ns = await TestNamespace.open();
  await ns.put("/d/f");
  await ns.put("/f");
  await expect(ns.call("remove", request)).rejects.toMatchObject({ reason });
  expect(await ns.violations()).toEqual([]);
});

test("a file put into a directory that is being removed is removed with it, or refused", async () => {
  await using ns = await TestNamespace.open();
  for (let round = 0; round < 10; round++) {
    await ns.call("makeDirectory", { path: "/d" });
    const [removed, put] = await Promise.allSettled([
      ns.call("remove", { path: "/d" }),
      ns.call("putFile", { path: "/d/f", inlineBytes: Buffer.from("x") }),
    ]);
    expect([removed.status, put.status].sort()).toEqual(["fulfilled", "rejected"]);
    if (removed.status === "rejected") await ns.call("remove", { path: "/d", recursive: true });
    expect(await ns.violations()).toEqual([]);
  }
});
