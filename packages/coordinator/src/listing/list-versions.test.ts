import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import {
  asciiOf,
  type ListedVersionLine,
  type ModelVersion,
  modelVersionsPage,
} from "./testing/model-listing.ts";
import { nastyText } from "./testing/nasty-text.ts";
import { plantBucket } from "./testing/planted-bucket.ts";
import { randomVersions } from "./testing/random-versions.ts";

test("random versions are listed as a sorted array of them is, whatever the request", async () => {
  const random = new Prng(3);
  for (let round = 0; round < 8; round++) {
    const versions = randomVersions(random, 30);
    await using bucket = await plantBucket({ versions });
    for (let asked = 0; asked < 60; asked++) {
      const from = versions[Math.floor(random.next() * versions.length)];
      const isMarked = random.next() < 0.5;
      const id = from?.isNull ? "null" : from?.sequence.toString(16).padStart(16, "0");
      const request = {
        prefix: random.next() < 0.4 ? "" : `k${nastyText(random, 2)}`,
        delimiter: random.next() < 0.4 ? "" : nastyText(random, 2),
        afterKey: isMarked ? (from?.key ?? "") : random.next() < 0.5 ? "" : nastyText(random, 4),
        afterVersionId: isMarked && id !== undefined ? id : "",
        limit: 1 + Math.floor(random.next() * 8),
      };
      const page = await bucket.listVersions(request);
      expect({ request: asciiOf(request), page }).toEqual({
        request: asciiOf(request),
        page: modelVersionsPage(versions, request),
      });
    }
  }
});

test("pages of versions follow each other without a gap or a repetition", async () => {
  const versions = randomVersions(new Prng(9), 60);
  await using bucket = await plantBucket({ versions });
  for (const delimiter of ["", "/", "a"]) {
    for (const limit of [1, 7]) {
      const listed: ListedVersionLine[] = [];
      let next: { afterKey: string; afterVersionId: string } | undefined = {
        afterKey: "",
        afterVersionId: "",
      };
      for (let pages = 0; next !== undefined; pages++) {
        expect(pages).toBeLessThan(versions.length);
        const page = await bucket.listVersions({ prefix: "", delimiter, ...next, limit });
        listed.push(...page.items);
        next = page.next;
      }
      const start = { afterKey: "", afterVersionId: "", limit: 10_000 };
      const whole = modelVersionsPage(versions, { prefix: "", delimiter, ...start });
      expect(listed).toEqual(whole.items);
    }
  }
});

test("a version that is gone is still a place to go on from", async () => {
  const at = (sequence: number, place: ModelVersion["place"]) =>
    ({ key: "k", sequence, isNull: false, place }) as const;
  await using bucket = await plantBucket({
    versions: [at(9, "tree"), at(7, "kept"), at(3, "marker")],
  });
  const after = async (sequence: number) => {
    const afterVersionId = sequence.toString(16).padStart(16, "0");
    const request = { prefix: "", delimiter: "", afterKey: "k", afterVersionId, limit: 9 };
    const { items } = await bucket.listVersions(request);
    return items.map(({ versionId, isLatest }) => [Number.parseInt(versionId, 16), isLatest]);
  };
  expect(await after(8)).toEqual([
    [7, false],
    [3, false],
  ]);
  expect(await after(4)).toEqual([[3, false]]);
  expect(await after(12)).toEqual([
    [9, true],
    [7, false],
    [3, false],
  ]);
});

test("what came into the tree from elsewhere is listed before what is kept, and once", async () => {
  const at = (sequence: number, place: ModelVersion["place"]) =>
    ({ key: "k", sequence, isNull: false, place }) as const;
  await using bucket = await plantBucket({
    versions: [at(3, "tree"), at(9, "kept"), at(7, "kept")],
  });
  const listed: number[] = [];
  let next: { afterKey: string; afterVersionId: string } | undefined = {
    afterKey: "",
    afterVersionId: "",
  };
  while (next !== undefined && listed.length < 9) {
    const page = await bucket.listVersions({ prefix: "", delimiter: "", ...next, limit: 1 });
    listed.push(...page.items.map(({ versionId }) => Number.parseInt(versionId, 16)));
    next = page.next;
  }
  expect(listed).toEqual([3, 9, 7]);
});

test("a page of versions costs the same whether a key has few of them or many", async () => {
  const costOf = async (count: number) => {
    const versions: ModelVersion[] = [];
    for (const key of ["a/1", "b/1", "c"]) {
      for (let sequence = 1; sequence <= count; sequence++) {
        versions.push({ key, sequence, isNull: false, place: "kept" });
      }
    }
    await using bucket = await plantBucket({ versions });
    const start = { prefix: "", afterKey: "", afterVersionId: "" };
    const rolled = await bucket.listVersions({ ...start, delimiter: "/", limit: 3 });
    expect(rolled.items.map(({ key }) => key)).toEqual(["a/", "b/", "c"]);
    const middle = { afterKey: "b/1", afterVersionId: "5".padStart(16, "0") };
    await bucket.listVersions({ ...start, ...middle, delimiter: "", limit: 3 });
    return bucket.costs;
  };
  const few = await costOf(30);
  const many = await costOf(1_500);
  expect(many.reads).toBeLessThanOrEqual(few.reads + 2);
  expect(many.rows).toBeLessThanOrEqual(few.rows + 20);
});
