import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { asciiOf, modelPage, sortKeys } from "./testing/model-listing.ts";
import { nastyText } from "./testing/nasty-text.ts";
import { type PlantedBucket, plantBucket } from "./testing/planted-bucket.ts";

test("random keys are listed as a sorted array of them is, whatever the request", async () => {
  const random = new Prng(11);
  for (let round = 0; round < 8; round++) {
    const keys = new Set<string>();
    for (let at = 0; at < 60; at++) keys.add(nastyText(random, 6));
    keys.delete("");
    const sorted = sortKeys(keys);
    await using bucket = await plantBucket({ keys: sorted });
    for (let asked = 0; asked < 80; asked++) {
      const request = {
        prefix: random.next() < 0.4 ? "" : nastyText(random, 3),
        delimiter: random.next() < 0.3 ? "" : nastyText(random, 2),
        after: random.next() < 0.4 ? "" : nastyText(random, 5),
        limit: 1 + Math.floor(random.next() * 8),
      };
      const page = await bucket.list(request);
      expect({ request: asciiOf(request), page }).toEqual({
        request: asciiOf(request),
        page: modelPage(sorted, request),
      });
    }
  }
});

test("pages follow each other without a gap or a repetition", async () => {
  const random = new Prng(5);
  const keys = new Set<string>();
  for (let at = 0; at < 150; at++) keys.add(`k${nastyText(random, 6)}`);
  const sorted = sortKeys(keys);
  await using bucket = await plantBucket({ keys: sorted });
  for (const delimiter of ["", "/", "a", "//", "é"]) {
    for (const limit of [1, 7, 1_000]) {
      const listed: string[] = [];
      for (let after = "", pages = 0; ; pages++) {
        expect(pages).toBeLessThan(sorted.length);
        const page = await bucket.list({ prefix: "", delimiter, after, limit });
        listed.push(...page.keys);
        if (page.nextAfter === "") break;
        expect(page.keys).toHaveLength(limit);
        after = page.nextAfter;
      }
      const whole = modelPage(sorted, { prefix: "", delimiter, after: "", limit: 1_000 });
      expect(listed).toEqual(whole.keys);
    }
  }
});

test("directories that others made are no keys, and common prefixes by their own delimiter", async () => {
  await using bucket = await plantBucket({
    keys: ["a/b", "x/y/z"],
    directories: ["empty/", "x/w/", "x/y/v/"],
  });
  const all = await bucket.list({ prefix: "", delimiter: "", after: "", limit: 10 });
  expect(all.keys).toEqual(["a/b", "x/y/z"]);
  const top = await bucket.list({ prefix: "", delimiter: "/", after: "", limit: 10 });
  expect(top.keys).toEqual(["a/", "empty/", "x/"]);
  const below = await bucket.list({ prefix: "x/", delimiter: "/", after: "", limit: 10 });
  expect(below.keys).toEqual(["x/w/", "x/y/"]);
});

/** How much of the store a page looks at. */
async function costOf(bucket: PlantedBucket, request: Parameters<PlantedBucket["list"]>[0]) {
  bucket.resetCosts();
  const page = await bucket.list(request);
  return { ...bucket.costs, page };
}

test("a page costs the same in a small and in a large bucket, and common prefixes are passed over", async () => {
  const keysOf = (folders: number, files: number) =>
    Array.from({ length: folders * files }, (_, at) => {
      const folder = String(Math.floor(at / files)).padStart(5, "0");
      return `dir-${folder}-x/${folder}/file-${String(at % files).padStart(5, "0")}`;
    });
  await using small = await plantBucket({ keys: keysOf(20, 50) });
  await using large = await plantBucket({ keys: keysOf(60, 400) });
  const costs = async (request: Parameters<PlantedBucket["list"]>[0]) => {
    const [one, other] = [await costOf(small, request), await costOf(large, request)];
    return { one, other };
  };

  const flat = await costs({ prefix: "", delimiter: "", after: "", limit: 8 });
  expect(flat.other.page.keys).toHaveLength(8);
  expect(flat.other.rows).toBeLessThanOrEqual(flat.one.rows + 20);

  const deep = { prefix: "", delimiter: "", after: "dir-00012-x/00012/file-00004", limit: 3 };
  const middle = await costs(deep);
  expect(middle.other.page.keys).toHaveLength(3);
  expect(middle.other.reads).toBeLessThanOrEqual(middle.one.reads + 2);
  expect(middle.other.rows).toBeLessThanOrEqual(middle.one.rows + 50);

  // Of eight times as many keys under each of them not one more is read.
  for (const delimiter of ["/", "-x", "/0", "file"]) {
    const rolled = await costs({ prefix: "", delimiter, after: "", limit: 10 });
    expect(rolled.one.page.keys).toHaveLength(10);
    expect(rolled.other.page.keys).toEqual(rolled.one.page.keys);
    expect(rolled.other.reads).toBeLessThanOrEqual(rolled.one.reads + 2);
    expect(rolled.other.rows).toBeLessThanOrEqual(rolled.one.rows + 100);
  }
});

test("a listing among very many empty directories goes on from page to page", async () => {
  const empty = Array.from({ length: 12_000 }, (_, at) => `d${String(at).padStart(6, "0")}/`);
  await using bucket = await plantBucket({ keys: ["zz"], directories: empty });
  const first = await bucket.list({ prefix: "", delimiter: "", after: "", limit: 5 });
  expect(first.keys).toEqual([]);
  expect(first.nextAfter).not.toBe("");
  const second = await bucket.list({ prefix: "", delimiter: "", after: first.nextAfter, limit: 5 });
  expect(second).toEqual({ keys: ["zz"], nextAfter: "" });
});

test("a page of large entries ends before a message would be too large", async () => {
  const keys = Array.from({ length: 400 }, (_, at) => `k${String(at).padStart(4, "0")}`);
  await using bucket = await plantBucket({ keys, userMetadata: { note: "n".repeat(8_000) } });
  const first = await bucket.list({ prefix: "", delimiter: "", after: "", limit: 1_000 });
  expect(first.keys.length).toBeGreaterThan(100);
  expect(first.keys.length).toBeLessThan(300);
  expect(first.nextAfter).toBe(first.keys.at(-1));
});
