import { create, type MessageShape } from "@bufbuild/protobuf";
import {
  ChangeKind,
  WatchChangesRequestSchema,
  WatchChangesResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { expect, test } from "vitest";
import { TestNamespace } from "./namespace/testing/test-namespace.ts";

type Response = MessageShape<typeof WatchChangesResponseSchema>;

/** A watch that a test reads step by step. */
function watch(ns: TestNamespace, init: { afterPosition?: Uint8Array; path?: string } = {}) {
  const controller = new AbortController();
  const call = { signal: controller.signal, peer: "test", metadata: new Map() };
  const answers = ns.handlers
    .watchChanges(create(WatchChangesRequestSchema, init), call)
    [Symbol.asyncIterator]();
  return {
    async next(): Promise<Response | undefined> {
      const step = await answers.next();
      return step.done === true ? undefined : create(WatchChangesResponseSchema, step.value);
    },
    stop: () => controller.abort(),
  };
}

test("a watch starts with an empty answer and then shows what happens", async () => {
  await using ns = await TestNamespace.open();
  await ns.put("/before");
  const watched = watch(ns);
  expect((await watched.next())?.changes).toEqual([]);
  await ns.put("/d/f");
  await ns.call("rename", { source: "/d/f", target: "/g" });
  const seen = [];
  while (seen.length < 3) seen.push(...((await watched.next())?.changes ?? []));
  expect(seen).toMatchObject([
    { kind: ChangeKind.MAKE_DIRECTORY, path: "/d" },
    { kind: ChangeKind.PUT, path: "/d/f" },
    { kind: ChangeKind.RENAME, path: "/d/f", target: "/g" },
  ]);
  watched.stop();
  expect(await watched.next()).toBeUndefined();
});

test("a watch that waits ends when its caller goes away", async () => {
  await using ns = await TestNamespace.open();
  const watched = watch(ns);
  await watched.next();
  const waiting = watched.next();
  watched.stop();
  expect(await waiting).toBeUndefined();
});

test("a reader that resumes after a position misses nothing and sees nothing twice", async () => {
  await using ns = await TestNamespace.open();
  const start = watch(ns);
  await start.next();
  for (let at = 0; at < 300; at++) await ns.put(`/f${at}`);
  const seen: string[] = [];
  let afterPosition: Uint8Array | undefined;
  while (seen.length < 300) {
    const watched = watch(ns, { afterPosition: afterPosition ?? new Uint8Array(12) });
    const { changes } = (await watched.next()) ?? { changes: [] };
    expect(changes.length).toBeLessThanOrEqual(256);
    seen.push(...changes.map((change) => change.path));
    afterPosition = changes.at(-1)?.position;
    watched.stop();
  }
  expect(seen).toEqual(Array.from({ length: 300 }, (_, at) => `/f${at}`));
  start.stop();
});

test("a watch of a path shows what is at or below it, and what moves in or out", async () => {
  await using ns = await TestNamespace.open();
  for (const path of ["/a/f", "/ab/f", "/b/f"]) await ns.put(path);
  await ns.call("rename", { source: "/b/f", target: "/a/g" });
  await ns.call("remove", { path: "/a", recursive: true });
  const watched = watch(ns, { afterPosition: new Uint8Array(12), path: "/a" });
  const { changes } = (await watched.next()) ?? { changes: [] };
  expect(changes.map((change) => change.target || change.path)).toEqual([
    "/a",
    "/a/f",
    "/a/g",
    "/a",
  ]);
  watched.stop();
});

test("the log is cut by age and by number, and a position before the cut is refused", async () => {
  await using ns = await TestNamespace.open({ settings: { changeLogEntriesMax: 10 } });
  const watched = watch(ns);
  await watched.next();
  await ns.put("/f0");
  const { changes } = (await watched.next()) ?? { changes: [] };
  const early = changes[0]?.position ?? new Uint8Array(12);
  for (let at = 1; at < 31; at++) await ns.put(`/f${at}`);
  await ns.run("change-log");
  await expect(watch(ns, { afterPosition: early }).next()).rejects.toMatchObject({
    reason: "changesTrimmed",
  });
  const fresh = watch(ns);
  expect((await fresh.next())?.changes).toEqual([]);
  expect(await ns.violations()).toEqual([]);

  await ns.clock.advance(ns.settings.changeLogMs + 1);
  await ns.run("change-log");
  expect(await ns.violations()).toEqual([]);
  const after = watch(ns);
  expect((await after.next())?.changes).toEqual([]);
  for (const open of [watched, fresh, after]) open.stop();
});

test("a position of another size is refused", async () => {
  await using ns = await TestNamespace.open();
  await expect(watch(ns, { afterPosition: new Uint8Array(5) }).next()).rejects.toMatchObject({
    reason: "invalidArgument",
  });
});
