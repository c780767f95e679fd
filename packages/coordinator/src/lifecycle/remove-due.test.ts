import { create } from "@bufbuild/protobuf";
import { present } from "@cairnfs/base/assert";
import { LifecycleRuleSchema } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { expect, test } from "vitest";
import { readTopDirectory } from "../buckets/read-bucket.ts";
import { IdAllocator } from "../id-allocator.ts";
import { Mutator } from "../namespace/mutator.ts";
import { BUCKET, VersionedBucket } from "../objects/testing/versioned-bucket.ts";
import { type DueVersion, dueVersions } from "./due-versions.ts";
import { versionsOf } from "./lap-state.ts";
import { removeDue } from "./remove-due.ts";

const RULE = create(LifecycleRuleSchema, { isEnabled: true, expireDays: 1, noncurrentDays: 1 });

async function bucketOf({ tree }: VersionedBucket) {
  const directory = await tree.kv.read((reader) => readTopDirectory(reader, BUCKET));
  return { name: BUCKET, id: present(directory, "the bucket is there").inodeId };
}

/** What is due when everything is old. */
async function look(bucket: VersionedBucket): Promise<readonly DueVersion[]> {
  const { id } = await bucketOf(bucket);
  const times = { nowMs: Number.MAX_SAFE_INTEGER, dayMs: 1 };
  const request = { rules: [RULE], place: versionsOf(BUCKET), times };
  return (await bucket.tree.kv.read((reader) => dueVersions(reader, id, request))).due;
}

async function remove(bucket: VersionedBucket, due: DueVersion | undefined): Promise<boolean> {
  const { kv, clock, settings } = bucket.tree;
  const mutator = new Mutator({ kv, clock, settings, ids: new IdAllocator(kv) });
  const found = await bucketOf(bucket);
  const { signal } = new AbortController();
  const one = present(due, "something is due");
  return mutator.run(5, (mutation) => removeDue(mutation, found, one), signal);
}

test("what was replaced since it was looked at does not expire", async () => {
  await using bucket = await VersionedBucket.open();
  await bucket.put("k", "1");
  const [due] = await look(bucket);
  await bucket.put("k", "2");
  await expect(remove(bucket, due)).rejects.toMatchObject({ reason: "preconditionFailed" });
  expect(await bucket.list()).toEqual(["k 2 *", "k 1"]);
});

test("a version that came back into its place does not go as one that was replaced", async () => {
  await using bucket = await VersionedBucket.open();
  await bucket.put("k", "1");
  const newer = await bucket.put("k", "2");
  const due = (await look(bucket)).find(({ isLatest }) => !isLatest);
  await bucket.remove("k", newer);
  expect(await remove(bucket, due)).toBe(false);
  expect(await bucket.list()).toEqual(["k 1 *"]);
});

test("what is gone already, or with its bucket, is let be", async () => {
  await using bucket = await VersionedBucket.open();
  const first = await bucket.put("k", "1");
  await bucket.put("k", "2");
  const due = (await look(bucket)).find(({ isLatest }) => !isLatest);
  await bucket.remove("k", first);
  expect(await remove(bucket, due)).toBe(false);
  const earlier = await bucketOf(bucket);
  await bucket.tree.call("remove", { path: `/${BUCKET}`, recursive: true, forever: true });
  await bucket.tree.bucket("createBucket", { name: BUCKET });
  await bucket.put("k", "another");
  expect((await bucketOf(bucket)).id).not.toBe(earlier.id);
  expect(await remove(bucket, due)).toBe(false);
  expect(await bucket.text("k")).toBe("another");
});
