import { toBinary } from "@bufbuild/protobuf";
import { ListResponseSchema } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { expect, test } from "vitest";
import { TestNamespace } from "../testing/test-namespace.ts";

test("children sort as S3 sorts keys: a directory's name ends with a slash", async () => {
  await using ns = await TestNamespace.open();
  for (const path of ["/a!", "/a0", "/b", "/é", "/B", "/\u{1f600}", "/\uffee"]) await ns.put(path);
  await ns.call("makeDirectory", { path: "/a" });
  expect(await ns.names("/")).toEqual(["B", "a!", "a", "a0", "b", "é", "\uffee", "\u{1f600}"]);
});

test("pages together show every entry once, whatever the page size", async () => {
  await using ns = await TestNamespace.open();
  const names = Array.from({ length: 25 }, (_, at) => `f${String(at).padStart(2, "0")}`);
  for (const name of names) await ns.put(`/d/${name}`);
  for (const limit of [1, 7, 25, 26]) {
    const shown: string[] = [];
    let after = "";
    do {
      const page = await ns.call("list", { path: "/d", after, limit });
      expect(page.entries.length).toBeLessThanOrEqual(limit);
      shown.push(...page.entries.map((entry) => entry.name));
      after = page.nextAfter;
    } while (after !== "");
    expect(shown).toEqual(names);
  }
});

test("a listing survives changes between its pages: what was there all the time is shown once", async () => {
  await using ns = await TestNamespace.open();
  for (const name of ["b", "d", "f", "h"]) await ns.put(`/d/${name}`);
  const first = await ns.call("list", { path: "/d", limit: 2 });
  expect(first.entries.map((entry) => entry.name)).toEqual(["b", "d"]);
  await ns.call("remove", { path: "/d/d" });
  await ns.put("/d/a");
  await ns.put("/d/g");
  const second = await ns.call("list", { path: "/d", after: first.nextAfter, limit: 10 });
  expect(second.entries.map((entry) => entry.name)).toEqual(["f", "g", "h"]);
  expect(second.nextAfter).toBe("");
});

test("a listing may go on after any name, whether it exists or not", async () => {
  await using ns = await TestNamespace.open();
  for (const name of ["a", "c"]) await ns.put(`/${name}`);
  const { entries } = await ns.call("list", { path: "/", after: "b" });
  expect(entries.map((entry) => entry.name)).toEqual(["c"]);
});

test("a directory shows only its own children", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/a/b/c");
  await ns.put("/a/d");
  expect(await ns.names("/a")).toEqual(["b", "d"]);
  expect(await ns.names("/a/b")).toEqual(["c"]);
});

test.each([
  [{ path: "/f" }, "notADirectory"],
  [{ path: "/missing" }, "pathNotFound"],
  [{ path: "/", limit: 10_001 }, "invalidArgument"],
])("a listing of %j is refused as %s", async (request, reason) => {
  await using ns = await TestNamespace.open();
  await ns.put("/f");
  await expect(ns.call("list", request)).rejects.toMatchObject({ reason });
});

test("a page of 10,000 is the most, and is allowed", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/f");
  const { entries } = await ns.call("list", { path: "/", limit: 10_000 });
  expect(entries).toHaveLength(1);
});

test("a page of large entries ends early, within what a message may have, and the next goes on", async () => {
  await using ns = await TestNamespace.open();
  const attributes = { userMetadata: { values: { note: "v".repeat(8000) } } };
  for (let at = 0; at < 300; at++) {
    const path = `/f${String(at).padStart(3, "0")}`;
    await ns.call("putFile", { path, attributes });
  }
  const shown: string[] = [];
  let after = "";
  do {
    const page = await ns.call("list", { path: "/", after, limit: 10_000 });
    expect(toBinary(ListResponseSchema, page).byteLength).toBeLessThan(2.1 * 1024 * 1024);
    shown.push(...page.entries.map((entry) => entry.name));
    after = page.nextAfter;
  } while (after !== "");
  expect(shown).toHaveLength(300);
  expect(new Set(shown).size).toBe(300);
});

test("a page may be of more entries than are read at once", async () => {
  await using ns = await TestNamespace.open();
  for (let at = 0; at < 1001; at++) await ns.put(`/f${at}`);
  expect((await ns.call("list", { path: "/", limit: 10_000 })).entries).toHaveLength(1001);
  const exact = await ns.call("list", { path: "/", limit: 1001 });
  expect(exact.entries).toHaveLength(1001);
  const rest = await ns.call("list", { path: "/", limit: 1001, after: exact.nextAfter });
  expect(rest).toMatchObject({ entries: [], nextAfter: "" });
});
