import { create } from "@bufbuild/protobuf";
import { Prng } from "@cairnfs/base/random";
import { type LifecycleRule, LifecycleRuleSchema } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { expect, test } from "vitest";
import { type ModelVersion, sortKeys } from "../listing/testing/model-listing.ts";
import { nastyText } from "../listing/testing/nasty-text.ts";
import { type PlantedBucket, plantBucket } from "../listing/testing/planted-bucket.ts";
import { randomVersions } from "../listing/testing/random-versions.ts";
import { type DueVersion, type DueVersions, dueVersions } from "./due-versions.ts";
import { type VersionsPlace, versionsOf } from "./lap-state.ts";

/** All planted versions are older than a day then. */
const TIMES = { nowMs: 1_000_000, dayMs: 1 };

/** What is due of a bucket, found piece by piece, as lines that can be compared. */
async function dueOf(bucket: PlantedBucket, rules: readonly LifecycleRule[], limit: number) {
  const lines: string[] = [];
  let place: VersionsPlace | undefined = versionsOf("any");
  for (let pieces = 0; place !== undefined; pieces++) {
    expect(pieces).toBeLessThan(1_000);
    const from: VersionsPlace = place;
    const found: DueVersions = await bucket.kv.read((reader) =>
      dueVersions(reader, bucket.bucketId, { rules, place: from, times: TIMES, limit }),
    );
    lines.push(...found.due.map(lineOf));
    place = found.next;
  }
  return lines;
}

function lineOf({ key, what, choice, isLatest }: DueVersion): string {
  const id = choice.kind === "null" ? "null" : choice.sequence;
  return `${key} ${id} ${what}${isLatest ? " latest" : ""}`;
}

/** The same by a look at all of them at once. */
function modelDue(versions: readonly ModelVersion[], rules: readonly LifecycleRule[]): string[] {
  return sortKeys(new Set(versions.map(({ key }) => key))).flatMap((key) => {
    const all = versions.filter((version) => version.key === key);
    all.sort((a, b) => b.sequence - a.sequence);
    const applying = rules.filter((rule) => key.startsWith(rule.prefix));
    let noncurrent = 0;
    return all.flatMap((version, at) => {
      const { place, sequence, isNull } = version;
      const isLatest = at === 0 && place !== "kept";
      const newer = noncurrent;
      if (!isLatest) noncurrent += 1;
      const isDue = applying.some((rule) => {
        if (!isLatest) return newer >= (rule.noncurrentKeep ?? (rule.noncurrentDays ? 0 : 1e9));
        if (place === "tree") return rule.expireDays !== undefined;
        const isMarked = rule.expireDeleteMarkers || rule.expireDays !== undefined;
        return isMarked && all.length === 1;
      });
      if (!isDue) return [];
      const what = place === "tree" ? "object" : place === "kept" ? "version" : "deleteMarker";
      return [`${key} ${isNull ? "null" : sequence} ${what}${isLatest ? " latest" : ""}`];
    });
  });
}

test("of random versions those are due that random rules name, however small the pieces are", async () => {
  const random = new Prng(21);
  for (let round = 0; round < 10; round++) {
    const versions = randomVersions(random, 25);
    await using bucket = await plantBucket({ versions });
    for (let asked = 0; asked < 12; asked++) {
      const rules = Array.from({ length: 1 + Math.floor(random.next() * 3) }, () => {
        const which = random.next();
        return create(LifecycleRuleSchema, {
          isEnabled: true,
          prefix: random.next() < 0.3 ? "" : `k${nastyText(random, 2)}`,
          ...(which < 0.4 && { expireDays: 1 }),
          ...(which > 0.3 && which < 0.7 && { noncurrentDays: 1 }),
          ...(which > 0.5 && { noncurrentKeep: Math.floor(random.next() * 3) }),
          expireDeleteMarkers: random.next() < 0.3,
        });
      });
      const limit = 2 + Math.floor(random.next() * 9);
      expect(await dueOf(bucket, rules, limit)).toEqual(modelDue(versions, rules));
    }
  }
});

test("among very many empty directories the next piece goes on", async () => {
  const directories = Array.from({ length: 10_050 }, (_, at) => `d${at}/`);
  await using bucket = await plantBucket({ keys: ["a", "zz"], directories });
  const rules = [create(LifecycleRuleSchema, { isEnabled: true, expireDays: 1 })];
  expect(await dueOf(bucket, rules, 100)).toEqual([
    "a null object latest",
    "zz null object latest",
  ]);
});
