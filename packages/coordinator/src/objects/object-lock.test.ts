import { RetentionMode } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { expect, test } from "vitest";
import { BUCKET, VersionedBucket } from "./testing/versioned-bucket.ts";

const refused = (reason: string) => expect.objectContaining({ reason });
const locked = refused("objectLocked");
const DAY_MS = 86_400_000;
const GOVERNANCE = 1;
const COMPLIANCE = 2;

async function open() {
  const bucket = await VersionedBucket.open({ versioning: "never", hasObjectLock: true });
  const until = (days: number) => BigInt(bucket.tree.clock.now() + days * DAY_MS);
  const retained = (retentionMode: number, days: number) => ({
    retentionMode,
    retainUntilMs: until(days),
  });
  return { bucket, retained, [Symbol.asyncDispose]: () => bucket[Symbol.asyncDispose]() };
}

test("a retained version goes when its time is over, under governance before with the bypass", async () => {
  await using opened = await open();
  const { bucket, retained } = opened;
  const governed = await bucket.put("k", "1", retained(GOVERNANCE, 2));
  const complied = await bucket.put("k", "2", retained(COMPLIANCE, 2));
  for (const id of [governed, complied]) {
    await expect(bucket.remove("k", id)).rejects.toThrow(locked);
  }
  await expect(bucket.remove("k", complied, true)).rejects.toThrow(locked);
  expect(await bucket.remove("k", governed, true)).toMatchObject({ existed: true });
  await bucket.tree.clock.advance(2 * DAY_MS);
  expect(await bucket.remove("k", complied)).toMatchObject({ existed: true });
  expect(await bucket.list()).toEqual([]);
});

test("a version that is held goes when the hold is taken away", async () => {
  await using opened = await open();
  const { bucket } = opened;
  const id = await bucket.put("k", "1", { hasLegalHold: true });
  await expect(bucket.remove("k", id, true)).rejects.toThrow(locked);
  await bucket.put("k", "2");
  await expect(bucket.remove("k", id)).rejects.toThrow(locked);
  await bucket.say("k", {}, id);
  expect(await bucket.remove("k", id)).toMatchObject({ existed: true });
  expect(await bucket.list()).toEqual(["k 2 *"]);
  expect(await bucket.tree.violations()).toEqual([]);
});

test("a retention becomes longer, not shorter nor of another mode, unless under governance with the bypass", async () => {
  await using opened = await open();
  const { bucket, retained } = opened;
  const governed = await bucket.put("g", "1", retained(GOVERNANCE, 2));
  await bucket.put("g", "newer");
  await expect(bucket.say("g", retained(GOVERNANCE, 1), governed)).rejects.toThrow(locked);
  await expect(bucket.say("g", {}, governed)).rejects.toThrow(locked);
  await bucket.say("g", retained(GOVERNANCE, 3), governed);
  await bucket.say("g", retained(GOVERNANCE, 1), governed, true);
  await expect(bucket.say("g", retained(COMPLIANCE, 2), governed)).rejects.toThrow(locked);
  await bucket.say("g", retained(COMPLIANCE, 1), governed, true);
  await expect(bucket.say("g", retained(GOVERNANCE, 1), governed, true)).rejects.toThrow(locked);
  await bucket.put("c", "1", retained(COMPLIANCE, 2));
  await expect(bucket.say("c", retained(COMPLIANCE, 1), "", true)).rejects.toThrow(locked);
  await bucket.say("c", { ...retained(COMPLIANCE, 3), tags: { t: "1" } });
  await bucket.tree.clock.advance(3 * DAY_MS);
  await bucket.say("c", {});
});

test("a new version has the bucket's default retention, whichever door puts it, unless it has its own", async () => {
  await using opened = await open();
  const { bucket, retained } = opened;
  const { tree } = bucket;
  const defaultRetention = { mode: RetentionMode.COMPLIANCE, days: 5 };
  await tree.bucket("setBucket", { name: BUCKET, defaultRetention });
  await bucket.put("default", "1");
  await tree.put(`/${BUCKET}/plain`, "2");
  await bucket.put("own", "3", retained(GOVERNANCE, 1));
  await tree.call("copy", { source: `/${BUCKET}/own`, target: `/${BUCKET}/copy` });
  await tree.put("/elsewhere/file", "4");
  await tree.call("rename", { source: "/elsewhere/file", target: `/${BUCKET}/moved` });
  const wanted: Record<string, object> = {
    moved: retained(COMPLIANCE, 5),
    default: retained(COMPLIANCE, 5),
    plain: retained(COMPLIANCE, 5),
    own: retained(GOVERNANCE, 1),
    copy: retained(COMPLIANCE, 5),
  };
  for (const [key, retention] of Object.entries(wanted)) {
    const { entry } = await tree.objects("statObject", { bucket: BUCKET, key });
    expect(entry?.object).toMatchObject(retention);
    await expect(bucket.remove(key, entry?.versionId)).rejects.toThrow(locked);
  }
});

test("delete markers and overwriting leave locked versions; trees of a bucket with object lock neither go nor move", async () => {
  await using opened = await open();
  const { bucket, retained } = opened;
  const { tree } = bucket;
  const id = await bucket.put("d/k", "1", retained(COMPLIANCE, 1));
  await bucket.put("d/k", "2");
  await tree.call("rename", { source: `/${BUCKET}/d/k`, target: `/${BUCKET}/m` });
  expect(await bucket.list()).toEqual(["d/k removed *", "d/k 2", "d/k 1", "m 2 *"]);
  await bucket.put("d/k", "3");
  for (const path of [`/${BUCKET}`, `/${BUCKET}/d`]) {
    await expect(tree.call("remove", { path, recursive: true })).rejects.toThrow(locked);
    await expect(tree.call("rename", { source: path, target: "/away" })).rejects.toThrow(locked);
  }
  const prefix = { bucket: BUCKET, sourceKey: "d/", key: "e/", isPrefix: true };
  await expect(tree.objects("renameObject", prefix)).rejects.toThrow(locked);
  expect(await bucket.text("d/k", id)).toBe("1");
  await tree.call("makeDirectory", { path: `/${BUCKET}/empty` });
  await tree.call("remove", { path: `/${BUCKET}/empty` });
  expect(await tree.violations()).toEqual([]);
});

test("in a bucket without object lock nothing is retained or held", async () => {
  await using bucket = await VersionedBucket.open();
  await bucket.put("k", "1");
  await expect(bucket.say("k", { hasLegalHold: true })).rejects.toThrow(
    refused("conflictingState"),
  );
});
