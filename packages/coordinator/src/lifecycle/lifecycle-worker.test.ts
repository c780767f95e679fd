import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LifecycleRuleSchema } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { expect, test } from "vitest";
import { TestNamespace } from "../namespace/testing/test-namespace.ts";

type Rule = MessageInitShape<typeof LifecycleRuleSchema>;

/** In these tests a day has a second, and rules are carried out ten times in it. */
const SHORT_DAYS = { lifecycleDayMs: 1_000, lifecycleIntervalMs: 100 };

async function openBucket(rules: readonly Rule[], settings = SHORT_DAYS) {
  const tree = await TestNamespace.open({ settings: { trashMs: 1_000_000, ...settings } });
  await tree.bucket("createBucket", { name: "logs" });
  await setRules(tree, rules);
  return tree;
}

async function setRules(tree: TestNamespace, rules: readonly Rule[]): Promise<void> {
  const enabled = rules.map((rule, at) => ({ id: `rule ${at}`, isEnabled: true, ...rule }));
  await tree.bucket("setBucket", { name: "logs", lifecycle: { rules: enabled } });
}

async function put(tree: TestNamespace, key: string, text = "x", tags = {}): Promise<void> {
  await tree.call("putFile", {
    path: `/logs/${key}`,
    object: { attributes: { tags } },
    inlineBytes: Buffer.from(text),
  });
}

async function keysOf(tree: TestNamespace): Promise<string[]> {
  const { items } = await tree.objects("listObjects", { bucket: "logs" });
  return items.map(({ key }) => key);
}

async function pass(tree: TestNamespace, timeMs: number): Promise<void> {
  await tree.clock.advance(timeMs);
  await tree.run("lifecycle");
}

test("objects expire by age, prefix, tags and size, and do not go to the trash", async () => {
  await using tree = await openBucket([
    { prefix: "old/", expireDays: 2 },
    { prefix: "tagged/", tags: { temporary: "yes" }, expireDays: 1 },
    { prefix: "sized/", sizeGreaterThan: 3n, expireDays: 1 },
    { id: "off", isEnabled: false, expireDays: 1 },
  ]);
  for (const key of ["old/a", "old/b/c", "older", "kept"]) await put(tree, key);
  await put(tree, "tagged/yes", "x", { temporary: "yes", other: "1" });
  await put(tree, "tagged/no", "x", { temporary: "no" });
  await put(tree, "sized/large", "four");
  await put(tree, "sized/small", "abc");
  await tree.run("lifecycle");
  expect(await keysOf(tree)).toHaveLength(8);
  await pass(tree, 1_000);
  expect(await keysOf(tree)).toEqual([
    "kept",
    "old/a",
    "old/b/c",
    "older",
    "sized/small",
    "tagged/no",
  ]);
  await pass(tree, 1_000);
  expect(await keysOf(tree)).toEqual(["kept", "older", "sized/small", "tagged/no"]);
  expect(await tree.names("/logs")).not.toContain("old");
  expect((await tree.trash("listTrash", {})).items).toEqual([]);
  expect(await tree.violations()).toEqual([]);
});

test("days of the usual length end at midnight in UTC", async () => {
  const dayMs = 86_400_000;
  await using tree = await openBucket([{ expireDays: 1 }], {
    lifecycleDayMs: dayMs,
    lifecycleIntervalMs: dayMs,
  });
  const toMidnightMs = dayMs - (Math.floor(tree.clock.now()) % dayMs);
  await tree.clock.advance(toMidnightMs + 1);
  await put(tree, "a");
  await pass(tree, dayMs);
  expect(await keysOf(tree)).toEqual(["a"]);
  await pass(tree, dayMs - 1);
  expect(await keysOf(tree)).toEqual([]);
});

test("from a date on all objects expire", async () => {
  await using tree = await openBucket([]);
  const expireAtMs = BigInt(Math.floor(tree.clock.now()) + 500);
  await setRules(tree, [{ expireAtMs }]);
  await put(tree, "a");
  await pass(tree, 499);
  expect(await keysOf(tree)).toEqual(["a"]);
  await pass(tree, 101);
  expect(await keysOf(tree)).toEqual([]);
});

test("uploads in parts that nobody completes are aborted", async () => {
  await using tree = await openBucket([{ prefix: "up/", abortUploadsDays: 1 }]);
  for (const key of ["up/a", "up/b", "other"]) {
    await tree.multiparts("createMultipart", { bucket: "logs", key });
  }
  const openKeys = async () => {
    const { items } = await tree.multiparts("listMultiparts", { bucket: "logs" });
    return items.map(({ key }) => key);
  };
  await pass(tree, 900);
  expect(await openKeys()).toEqual(["other", "up/a", "up/b"]);
  await pass(tree, 200);
  expect(await openKeys()).toEqual(["other"]);
  await tree.runAll();
  expect(await tree.violations()).toEqual([]);
});

test("without rules the worker sleeps, and does not look at objects", async () => {
  await using tree = await openBucket([]);
  await put(tree, "a");
  const step = await tree.worker("lifecycle").step(new AbortController().signal);
  expect(step).toEqual({ pauseMs: 3_600_000 });
});

test("a lap that was interrupted goes on where it stood, with another worker", async () => {
  const first = await openBucket([{ expireDays: 1 }]);
  for (let at = 0; at < 300; at++) await put(first, `k${String(at).padStart(4, "0")}`);
  await first.clock.advance(2_000);
  const { signal } = new AbortController();
  for (let step = 0; step < 3; step++) await first.worker("lifecycle").step(signal);
  const left = (await keysOf(first)).length;
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(300);
  await using second = await TestNamespace.open({ after: first, settings: SHORT_DAYS });
  await put(second, "a-new-one-before");
  await second.run("lifecycle");
  expect(await keysOf(second)).toEqual(["a-new-one-before"]);
});

test("rules of a bucket that is gone hold nobody up", async () => {
  await using tree = await openBucket([{ expireDays: 1 }]);
  await tree.bucket("createBucket", { name: "other" });
  await put(tree, "a");
  const { signal } = new AbortController();
  await tree.clock.advance(2_000);
  for (let step = 0; step < 2; step++) await tree.worker("lifecycle").step(signal);
  await tree.call("remove", { path: "/logs", recursive: true });
  await tree.run("lifecycle");
  expect(await tree.violations()).toEqual([]);
});
