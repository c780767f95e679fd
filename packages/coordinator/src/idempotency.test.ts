import { expect, test } from "vitest";
import { answers } from "./keyspace.ts";
import { TestNamespace } from "./namespace/testing/test-namespace.ts";

const KEY = "ab".repeat(24);

test("a call repeated under its key has no second effect and the same answer", async () => {
  await using ns = await TestNamespace.open();
  const first = await ns.call("makeDirectory", { path: "/d" }, KEY);
  expect(await ns.call("makeDirectory", { path: "/d" }, KEY)).toEqual(first);
  await expect(ns.call("makeDirectory", { path: "/d" }, "cd".repeat(24))).rejects.toMatchObject({
    reason: "pathExists",
  });
});

test("every mutating call may be repeated", async () => {
  await using ns = await TestNamespace.open();
  const keys = Array.from({ length: 6 }, (_, at) => `0${at}`.repeat(24));
  const twice = async <T>(call: (key: string | undefined) => Promise<T>) => {
    const key = keys.pop();
    const first = await call(key);
    expect(await call(key)).toEqual(first);
    return first;
  };
  await twice((key) => ns.call("putFile", { path: "/f", inlineBytes: Buffer.from("x") }, key));
  await twice((key) => ns.call("rename", { source: "/f", target: "/g" }, key));
  await twice((key) => ns.call("copy", { source: "/g", target: "/h", noReplace: true }, key));
  await twice((key) => ns.call("setAttributes", { path: "/h", attributes: { mode: 1 } }, key));
  await twice((key) => ns.call("remove", { path: "/h" }, key));
  await twice((key) => ns.call("beginUpload", { path: "/u" }, key));
  expect(await ns.violations()).toEqual([]);
});

test("two calls under one key at the same time are one", async () => {
  await using ns = await TestNamespace.open();
  const put = () => ns.call("putFile", { path: "/f", inlineBytes: Buffer.from("x") }, KEY);
  const [one, two] = await Promise.all([put(), put()]);
  expect(one).toEqual(two);
});

test("a key belongs to one method, and a failed call does not use it up", async () => {
  await using ns = await TestNamespace.open();
  await expect(ns.call("remove", { path: "/f" }, KEY)).rejects.toMatchObject({
    reason: "pathNotFound",
  });
  await ns.put("/f");
  await ns.call("remove", { path: "/f" }, KEY);
  await expect(ns.call("makeDirectory", { path: "/d" }, KEY)).rejects.toMatchObject({
    reason: "invalidArgument",
  });
});

test.each(["", "ab", "zz".repeat(24), "ab".repeat(25)])("the key %j is refused", async (key) => {
  await using ns = await TestNamespace.open();
  await expect(ns.call("makeDirectory", { path: "/d" }, key)).rejects.toMatchObject({
    reason: "invalidArgument",
  });
});

test("answers are kept for ten minutes at least, and forgotten after twenty", async () => {
  await using ns = await TestNamespace.open();
  const first = await ns.call("makeDirectory", { path: "/d" }, KEY);
  await ns.clock.advance(ns.settings.idempotencyMs);
  await ns.runAll();
  expect(await ns.call("makeDirectory", { path: "/d" }, KEY)).toEqual(first);
  await ns.clock.advance(2 * ns.settings.idempotencyMs);
  await ns.runAll();
  const kept = await ns.kv.read((reader) => answers.page(reader, { limit: 10 }));
  expect(kept).toEqual([]);
});
