import { Prng, randomBelow } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { MultipartBucket } from "./testing/multipart-bucket.ts";

const bucket = "bucket";

interface Query {
  readonly prefix: string;
  readonly delimiter: string;
}

/** What a listing should be: keys in byte order, twice where there are two uploads, and common prefixes once. */
function expected(keys: readonly string[], { prefix, delimiter }: Query): string[] {
  const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const items: string[] = [];
  for (const key of sorted) {
    if (!key.startsWith(prefix)) continue;
    const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    if (at < 0) {
      items.push(key);
      continue;
    }
    const common = `${key.slice(0, at + delimiter.length)} …`;
    if (items.at(-1) !== common) items.push(common);
  }
  return items;
}

async function listed(b: MultipartBucket, query: Query, limit: number): Promise<string[]> {
  const items: string[] = [];
  let next: { readonly afterKey: string; readonly afterUploadId: Uint8Array } | undefined;
  do {
    const page = await b.ns.multiparts("listMultiparts", { bucket, ...query, ...next, limit });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    for (const { key, upload } of page.items) {
      if (upload !== undefined) expect(upload.key).toBe(key);
      items.push(upload === undefined ? `${key} …` : key);
    }
    const { nextAfterKey: afterKey, nextAfterUploadId: afterUploadId } = page;
    next = afterKey === "" ? undefined : { afterKey, afterUploadId };
  } while (next !== undefined);
  return items;
}

test("uploads are listed by key as the model has them, whatever the prefix, the delimiter and the page", async () => {
  await using b = await MultipartBucket.open();
  const random = new Prng(7);
  const letters = ["a", "b", "/", "//", "\u{e9}", "\u{ffff}", "\u{10ffff}", "\u{1f600}", "\u0001"];
  const any = () => letters[randomBelow(random, letters.length)] ?? "a";
  const keys: string[] = [];
  for (let at = 0; at < 120; at++) {
    const key = Array.from({ length: 1 + randomBelow(random, 4) }, any).join("");
    keys.push(key);
    await b.create(key);
  }
  for (let at = 0; at < 30; at++) {
    const prefix = randomBelow(random, 2) === 0 ? "" : any();
    const delimiter = randomBelow(random, 3) === 0 ? "" : any();
    const query = { prefix, delimiter };
    const limit = [1, 3, 1_000][at % 3] ?? 1;
    expect(await listed(b, query, limit)).toEqual(expected(keys, query));
  }
});

test("uploads of one key are listed in the order in which they were created, and go on after a key", async () => {
  await using b = await MultipartBucket.open();
  const ids = [await b.create("k"), await b.create("k"), await b.create("k")].map((id) =>
    Buffer.from(id).toString("hex"),
  );
  await b.create("l");
  const shown = async (after: object) => {
    const { items } = await b.ns.multiparts("listMultiparts", { bucket, ...after });
    return items.map(({ upload }) => Buffer.from(upload?.uploadId ?? []).toString("hex"));
  };
  expect((await shown({})).slice(0, 3)).toEqual(ids);
  expect(await shown({ afterKey: "k" })).toHaveLength(1);
  const afterUploadId = Buffer.from(ids[0] ?? "", "hex");
  expect((await shown({ afterKey: "k", afterUploadId })).slice(0, 2)).toEqual(ids.slice(1));
});

test("a page of uploads of which much is said fits a message", async () => {
  await using b = await MultipartBucket.open();
  const object = { headers: { long: "x".repeat(60_000) } };
  for (let at = 0; at < 100; at++) {
    await b.ns.multiparts("createMultipart", { bucket, key: `k${100 + at}`, object });
  }
  const first = await b.ns.multiparts("listMultiparts", { bucket });
  expect(first.items.length).toBeGreaterThan(20);
  expect(first.items.length).toBeLessThan(50);
  const all = await listed(b, { prefix: "", delimiter: "" }, 1_000);
  expect(all).toHaveLength(100);
});
