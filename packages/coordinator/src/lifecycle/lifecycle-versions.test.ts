import type { MessageInitShape } from "@bufbuild/protobuf";
import { type LifecycleRuleSchema, Versioning } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { expect, test } from "vitest";
import { BUCKET, VersionedBucket } from "../objects/testing/versioned-bucket.ts";

type Rule = MessageInitShape<typeof LifecycleRuleSchema>;

/** In these tests a day has a second, and rules are carried out ten times in it. */
const SETTINGS = { trashMs: 1_000_000, lifecycleDayMs: 1_000, lifecycleIntervalMs: 100 };

async function open(rules: readonly Rule[], options: { readonly hasObjectLock?: boolean } = {}) {
  const bucket = await VersionedBucket.open({ settings: SETTINGS, ...options });
  const enabled = rules.map((rule, at) => ({ id: `rule ${at}`, isEnabled: true, ...rule }));
  await bucket.tree.bucket("setBucket", { name: BUCKET, lifecycle: { rules: enabled } });
  return bucket;
}

async function pass(bucket: VersionedBucket, timeMs: number): Promise<string[]> {
  await bucket.tree.clock.advance(timeMs);
  await bucket.tree.run("lifecycle");
  return bucket.list();
}

test("with versioning an object that expires is hidden, and once", async () => {
  await using bucket = await open([{ expireDays: 1 }]);
  await bucket.put("a", "1");
  await bucket.put("a", "2");
  expect(await pass(bucket, 900)).toEqual(["a 2 *", "a 1"]);
  expect(await pass(bucket, 100)).toEqual(["a removed *", "a 2", "a 1"]);
  expect(await pass(bucket, 5_000)).toEqual(["a removed *", "a 2", "a 1"]);
  expect(await bucket.tree.violations()).toEqual([]);
});

test("noncurrent versions go by age and number, and the marker when it is all there is", async () => {
  await using bucket = await open([
    { noncurrentDays: 2, noncurrentKeep: 1 },
    { prefix: "all/", noncurrentDays: 1 },
    { prefix: "all/", expireDeleteMarkers: true },
  ]);
  for (const text of ["1", "2", "3", "4"]) await bucket.put("k", text);
  await bucket.put("all/k", "1");
  await bucket.remove("all/k");
  expect(await pass(bucket, 1_000)).toEqual(["all/k removed *", "k 4 *", "k 3", "k 2", "k 1"]);
  expect(await pass(bucket, 1_000)).toEqual(["k 4 *", "k 3"]);
  await bucket.tree.runAll();
  expect(await bucket.tree.violations()).toEqual([]);
});

test("what is locked stays, until it is not any more", async () => {
  await using bucket = await open([{ expireDays: 1, noncurrentDays: 1 }], { hasObjectLock: true });
  const retainUntilMs = BigInt(Math.floor(bucket.tree.clock.now()) + 5_000);
  await bucket.put("held", "1", { hasLegalHold: true });
  await bucket.put("kept", "1", { retentionMode: 1, retainUntilMs });
  await bucket.put("free", "1");
  await pass(bucket, 1_100);
  expect(await pass(bucket, 1_100)).toEqual([
    "free removed *",
    "held removed *",
    "held 1",
    "kept removed *",
    "kept 1",
  ]);
  expect(await pass(bucket, 5_000)).not.toContain("kept 1");
  expect(await bucket.list()).toContain("held 1");
  expect(await bucket.tree.violations()).toEqual([]);
});

test("with versioning suspended a marker takes the place of the version null", async () => {
  await using bucket = await open([{ expireDays: 1 }]);
  await bucket.put("a", "1");
  await bucket.set(Versioning.SUSPENDED);
  await bucket.put("a", "2");
  expect(await bucket.list()).toEqual(["a 2 null *", "a 1"]);
  expect(await pass(bucket, 1_000)).toEqual(["a removed null *", "a 1"]);
  expect(await bucket.tree.violations()).toEqual([]);
});

test("a bucket with versions or delete markers is not removed", async () => {
  await using bucket = await open([]);
  await bucket.put("d/a", "1");
  const { versionId } = await bucket.remove("d/a");
  const remove = () => bucket.tree.bucket("removeBucket", { name: BUCKET });
  await expect(remove()).rejects.toMatchObject({ reason: "directoryNotEmpty" });
  const { items } = await bucket.tree.objects("listVersions", { bucket: BUCKET });
  await bucket.remove("d/a", items[1]?.version?.versionId);
  await expect(remove()).rejects.toMatchObject({ reason: "directoryNotEmpty" });
  await bucket.remove("d/a", versionId);
  await remove();
  await bucket.tree.runAll();
  expect(await bucket.tree.violations()).toEqual([]);
});
