import { CairnError } from "@cairnfs/base/errors";
import { expect, test } from "vitest";
import { readCounters } from "../counters.ts";
import { entries, trashSizings } from "../keyspace.ts";
import { chunkOf } from "../namespace/testing/fake-nodes.ts";
import { TestNamespace } from "../namespace/testing/test-namespace.ts";

const DAY_MS = 86_400_000;
const key = (digit: string) => digit.repeat(48);

function open(trashMs = DAY_MS): Promise<TestNamespace> {
  return TestNamespace.open({ settings: { trashMs, contentGraceMs: 0, chunkGraceMs: 0 } });
}

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return error instanceof CairnError ? error.reason : String(error);
  }
}

async function pathsInTrash(ns: TestNamespace, path = "/"): Promise<string[]> {
  const { items } = await ns.trash("listTrash", { path });
  return items.map((item) => item.path);
}

test("a removed file is in the trash until it is restored, and then where it was, as it was", async () => {
  await using ns = await open();
  const chunks = [chunkOf("a"), chunkOf("b")];
  const { entry } = await ns.upload("/d/f", chunks);
  const { trashId, trashDueMs } = await ns.call("remove", { path: "/d/f" });

  expect(trashDueMs).toBe(BigInt(Math.floor(ns.clock.now()) + DAY_MS));
  const { items } = await ns.trash("listTrash", {});
  expect(items).toMatchObject([{ trashId, path: "/d/f", size: { files: 1n } }]);
  await ns.runAll();
  expect((await ns.kv.read(readCounters)).chunks).toBe(2);
  expect(await ns.violations()).toEqual([]);

  const restored = await ns.trash("restoreTrash", { item: { case: "trashId", value: trashId } });
  expect(restored.path).toBe("/d/f");
  expect(restored.entry).toMatchObject({ inodeId: entry?.inodeId, contentId: entry?.contentId });
  expect(restored.entry?.version).toBeGreaterThan(entry?.version ?? 0n);
  expect(await ns.names("/d")).toEqual(["f"]);
  expect(await pathsInTrash(ns)).toEqual([]);
  expect(await ns.violations()).toEqual([]);
});

test("what is due goes for good, with its chunks", async () => {
  await using ns = await open();
  await ns.upload("/t/a/f", [chunkOf("a")]);
  await ns.put("/t/g");
  await ns.upload("/lone", [chunkOf("b")]);
  await ns.call("remove", { path: "/t", recursive: true });
  await ns.call("remove", { path: "/lone" });

  await ns.clock.advance(DAY_MS - 1);
  await ns.runAll();
  expect(await pathsInTrash(ns)).toEqual(["/lone", "/t"]);
  await ns.clock.advance(2);
  for (let round = 0; round < 3; round++) {
    await ns.runAll();
    await ns.clock.advance(1);
  }
  expect(await pathsInTrash(ns)).toEqual([]);
  expect(await ns.kv.read(readCounters)).toMatchObject({
    files: 0,
    directories: 1,
    logicalBytes: 0,
    chunks: 0,
    trashItems: 0,
    trashFiles: 0,
    trashDiskBytes: 0,
  });
  expect(await ns.violations()).toEqual([]);
});

test("a removed tree is one row, and is added up later in steps that go on where they stopped", async () => {
  await using ns = await open();
  const nested = ["/t/a/b/c", "/t/a", "/t/z"];
  for (const directory of nested) {
    await ns.call("makeDirectory", { path: directory, parents: true });
  }
  for (let at = 0; at < 2_500; at++) {
    await ns.put(`${nested[at % nested.length]}/f${at}`, "four");
  }
  await ns.upload("/t/a/b/big", [chunkOf("chunk")]);
  await ns.call("remove", { path: "/t", recursive: true });
  expect((await ns.trash("listTrash", {})).items[0]?.size).toBeUndefined();

  const signal = new AbortController().signal;
  expect(await ns.worker("trash").step(signal)).toBe("again");
  expect(await ns.kv.read((reader) => trashSizings.first(reader))).toBeDefined();
  await ns.run("trash");
  const size = { files: 2_501n, directories: 5n, logicalBytes: 75_536n, diskBytes: 196_608n };
  expect((await ns.trash("listTrash", {})).items[0]?.size).toMatchObject(size);
  expect((await ns.trash("getReclaimable", {})).trash).toMatchObject(size);
  expect(await ns.violations()).toEqual([]);
});

test("a tree that is restored while it is added up is forgotten by the worker", async () => {
  await using ns = await open();
  await ns.put("/t/f");
  const { trashId } = await ns.call("remove", { path: "/t", recursive: true });
  await ns.trash("restoreTrash", { item: { case: "trashId", value: trashId } });
  await ns.runAll();
  expect(await ns.names("/t")).toEqual(["f"]);
  expect(await ns.violations()).toEqual([]);
});

test("the policy of the nearest directory says how long, and 0 means not at all", async () => {
  await using ns = await open();
  const policy = (trashMs: bigint) => ({ policy: { trashMs } });
  await ns.call("makeDirectory", { path: "/none", ...policy(0n) });
  await ns.call("makeDirectory", { path: "/none/long", ...policy(9_000n) });
  for (const path of ["/none/f", "/none/long/f", "/none/long/d/f", "/plain"]) await ns.put(path);

  const dueOf = async (path: string) => {
    const { trashDueMs } = await ns.call("remove", { path, recursive: true });
    return trashDueMs === 0n ? 0 : Number(trashDueMs) - Math.floor(ns.clock.now());
  };
  expect(await dueOf("/none/f")).toBe(0);
  expect(await dueOf("/none/long/f")).toBe(9_000);
  expect(await dueOf("/plain")).toBe(DAY_MS);
  // The removed directory's own policy counts, that of one below it does not.
  expect(await dueOf("/none/long")).toBe(9_000);
  expect(await dueOf("/none")).toBe(0);
  expect(await pathsInTrash(ns)).toEqual(["/none/long", "/none/long/f", "/plain"]);

  // What is there keeps its time when the policy changes.
  const before = (await ns.trash("listTrash", {})).items.map((item) => item.dueMs);
  await ns.call("setAttributes", { path: "/", policy: { trashMs: 0n } });
  expect((await ns.trash("listTrash", {})).items.map((item) => item.dueMs)).toEqual(before);
  await ns.put("/later");
  expect(await dueOf("/later")).toBe(0);
});

test("removing for ever passes the trash by, and what an overwrite replaces does not go there", async () => {
  await using ns = await open();
  await ns.put("/f", "one");
  await ns.put("/f", "two");
  await ns.put("/g");
  await ns.put("/d/h");
  await ns.call("rename", { source: "/g", target: "/f" });
  await ns.call("remove", { path: "/f", forever: true });
  await ns.call("remove", { path: "/d", forever: true, recursive: true });
  expect(await pathsInTrash(ns)).toEqual([]);
  await ns.runAll();
  expect(await ns.violations()).toEqual([]);
});

test("a directory with entries is not removed without being told to, and stays out of the trash", async () => {
  await using ns = await open();
  await ns.put("/d/f");
  expect(await reasonOf(ns.call("remove", { path: "/d" }))).toBe("directoryNotEmpty");
  expect(await pathsInTrash(ns)).toEqual([]);
});

test("of several removed from one path the newest is restored", async () => {
  await using ns = await open();
  for (const text of ["one", "three"]) {
    await ns.put("/f", text);
    await ns.call("remove", { path: "/f" });
  }
  const byPath = { item: { case: "path", value: "/f" } } as const;
  expect((await ns.trash("restoreTrash", byPath)).entry?.sizeBytes).toBe(5n);
  expect(await reasonOf(ns.trash("restoreTrash", byPath))).toBe("pathExists");
  expect((await ns.trash("restoreTrash", { ...byPath, replace: true })).entry?.sizeBytes).toBe(3n);
  expect(await reasonOf(ns.trash("restoreTrash", byPath))).toBe("trashNotFound");
  expect(await ns.violations()).toEqual([]);
});

test("paths that share their first 1,024 bytes are told apart", async () => {
  await using ns = await open();
  const top = `/${Array.from({ length: 6 }, () => "x".repeat(200)).join("/")}`;
  const one = `${top}/one`;
  const two = `${top}/two`;
  for (const path of [one, two]) {
    await ns.put(path);
    await ns.call("remove", { path });
  }
  expect(await pathsInTrash(ns, one)).toEqual([one]);
  expect(await pathsInTrash(ns, top)).toEqual([one, two]);
  const restored = await ns.trash("restoreTrash", { item: { case: "path", value: one } });
  expect(restored.path).toBe(one);
});

test("restoring makes parents that are gone, and goes elsewhere when told to", async () => {
  await using ns = await open();
  await ns.put("/a/b/f");
  await ns.put("/a/b/g");
  await ns.call("remove", { path: "/a/b/f" });
  await ns.call("remove", { path: "/a", recursive: true });
  const restored = await ns.trash("restoreTrash", { item: { case: "path", value: "/a/b/f" } });
  expect(restored.path).toBe("/a/b/f");
  expect(await ns.names("/a/b")).toEqual(["f"]);

  // The tree that was there meets the directory that was made since.
  const tree = { item: { case: "path", value: "/a" } } as const;
  expect(await reasonOf(ns.trash("restoreTrash", tree))).toBe("pathExists");
  expect((await ns.trash("restoreTrash", { ...tree, target: "/x/y/a" })).path).toBe("/x/y/a");
  expect(await ns.names("/x/y/a/b")).toEqual(["g"]);
  expect(await ns.violations()).toEqual([]);
});

test("nothing is restored over a directory, nor a directory over a file, nor below a file", async () => {
  await using ns = await open();
  await ns.put("/f");
  await ns.call("makeDirectory", { path: "/d" });
  await ns.call("remove", { path: "/f" });
  await ns.call("remove", { path: "/d" });
  await ns.call("makeDirectory", { path: "/f" });
  await ns.put("/d");
  const restore = (path: string, target = "") =>
    reasonOf(
      ns.trash("restoreTrash", { item: { case: "path", value: path }, replace: true, target }),
    );
  expect(await restore("/f")).toBe("pathExists");
  expect(await restore("/d")).toBe("pathExists");
  expect(await restore("/f", "/d/below")).toBe("notADirectory");
  expect(await restore("/f", "/")).toBe("invalidArgument");
  expect(await pathsInTrash(ns)).toEqual(["/d", "/f"]);
});

test("a call that is repeated under its key has no second effect", async () => {
  await using ns = await open();
  await ns.put("/f");
  const removed = await ns.call("remove", { path: "/f" }, key("1"));
  expect(await ns.call("remove", { path: "/f" }, key("1"))).toEqual(removed);
  const item = { case: "trashId", value: removed.trashId } as const;
  const restored = await ns.trash("restoreTrash", { item }, key("2"));
  expect(await ns.trash("restoreTrash", { item }, key("2"))).toEqual(restored);
  expect(await reasonOf(ns.trash("restoreTrash", { item }, key("3")))).toBe("trashNotFound");
});

test("of two who restore the same item, and of one who restores and the worker who lets it go, one wins", async () => {
  await using ns = await open();
  await ns.put("/t/f");
  const { trashId } = await ns.call("remove", { path: "/t", recursive: true });
  const item = { case: "trashId", value: trashId } as const;
  const outcomes = await Promise.all([
    reasonOf(ns.trash("restoreTrash", { item })),
    reasonOf(ns.trash("restoreTrash", { item, target: "/other" })),
  ]);
  expect(outcomes.sort()).toEqual(["none", "trashNotFound"]);

  const [top] = await ns.names("/");
  await ns.call("remove", { path: `/${top}`, recursive: true });
  await ns.clock.advance(DAY_MS + 1);
  const [reason] = await Promise.all([
    reasonOf(ns.trash("restoreTrash", { item: { case: "path", value: `/${top}` } })),
    ns.run("trash"),
  ]);
  await ns.runAll();
  expect(await ns.names("/")).toEqual(reason === "none" ? [top] : []);
  expect(await ns.violations()).toEqual([]);
});

test("the trash is emptied by id, by path and by age, in calls that go on after each other", async () => {
  await using ns = await open();
  for (const path of ["/a/1", "/a-b", "/a/2/x", "/b"]) await ns.put(path);
  const { trashId } = await ns.call("remove", { path: "/b" });
  await ns.clock.advance(1_000);
  for (const path of ["/a/1", "/a-b", "/a/2"]) await ns.call("remove", { path, recursive: true });

  expect(await reasonOf(ns.trash("emptyTrash", {}))).toBe("invalidArgument");
  const old = await ns.trash("emptyTrash", { path: "/", olderThanMs: 1_000n });
  expect(old.items).toBe(1n);
  expect((await ns.trash("emptyTrash", { trashIds: [trashId] })).items).toBe(0n);
  expect((await ns.trash("emptyTrash", { path: "/a" })).items).toBe(2n);
  expect(await pathsInTrash(ns)).toEqual(["/a-b"]);
  await ns.runAll();
  expect(await ns.violations()).toEqual([]);

  for (let at = 0; at < 600; at++) {
    await ns.put(`/m${at}`);
    await ns.call("remove", { path: `/m${at}` });
  }
  let items = 0n;
  let calls = 0;
  for (let after: Uint8Array = new Uint8Array(0); calls === 0 || after.byteLength > 0; calls++) {
    const reply = await ns.trash("emptyTrash", { path: "/", after });
    items += reply.items;
    after = reply.nextAfter;
  }
  expect([items, calls]).toEqual([601n, 3]);
  expect(await ns.violations()).toEqual([]);
});

test("pages of the trash show every item once", async () => {
  await using ns = await open();
  const paths = Array.from({ length: 25 }, (_, at) => `/d/f${String(at).padStart(2, "0")}`);
  for (const path of [...paths, "/d-other", "/e"]) {
    await ns.put(path);
    await ns.call("remove", { path });
  }
  const seen: string[] = [];
  let after: Uint8Array = new Uint8Array(0);
  do {
    const page = await ns.trash("listTrash", { path: "/d", after, limit: 4 });
    seen.push(...page.items.map((item) => item.path));
    after = page.nextAfter;
  } while (after.byteLength > 0);
  expect(seen).toEqual(paths);
});

test("nobody writes below a directory that is in the trash", async () => {
  await using ns = await open();
  await ns.put("/d/f");
  const before = await ns.call("stat", { path: "/d" });
  const { sessionId } = await ns.call("beginUpload", { path: "/d/late", parents: true });
  const chunks = await ns.store(sessionId, [chunkOf("late")]);
  await ns.call("remove", { path: "/d", recursive: true });
  await ns.call("commitUpload", {
    sessionId,
    chunks,
    sizeBytes: BigInt(chunkOf("late").lengthBytes),
  });
  const now = await ns.call("stat", { path: "/d" });
  expect(now.entry?.inodeId).not.toBe(before.entry?.inodeId);
  const removedId = Number(before.entry?.inodeId);
  const children = await ns.kv.read((reader) => entries.page(reader, { limit: 100 }));
  const below = children.filter(({ key: [parentId] }) => parentId === removedId);
  expect(below.map(({ key: [, name] }) => name)).toEqual(["f"]);
  expect(await ns.violations()).toEqual([]);
});
