import { expect, test } from "vitest";
import type { ListPage } from "./client-options.ts";
import type { FileEntry } from "./entry.ts";
import { EntryListing, type FetchPage, listPages } from "./listing.ts";

/** Pages of `sizes`; what was asked for is noted. */
function pagesOf(...sizes: readonly number[]) {
  const asked: (string | undefined)[] = [];
  let made = 0;
  const fetch: FetchPage = async (after) => {
    asked.push(after);
    const at = asked.length - 1;
    // Of an entry only the name matters here.
    const entries = Array.from(
      { length: sizes[at] ?? 0 },
      () => ({ name: `${made++}` }) as FileEntry,
    );
    const page: ListPage = {
      entries,
      nextAfter: at + 1 < sizes.length ? `after ${at}` : undefined,
    };
    return page;
  };
  return { asked, listing: () => new EntryListing(listPages(fetch, undefined)), fetch };
}

test("entries come one by one over all pages, empty ones included", async () => {
  const { listing } = pagesOf(2, 0, 3, 0);
  const names: string[] = [];
  for await (const entry of listing()) names.push(entry.name);
  expect(names).toEqual(["0", "1", "2", "3", "4"]);
});

test("who asks for many at once gets them in order, and then the end", async () => {
  const { listing } = pagesOf(2, 2, 1);
  const entries = listing();
  const answers = await Promise.all(Array.from({ length: 7 }, () => entries.next()));
  expect(answers.map(({ value }) => value?.name)).toEqual([
    "0",
    "1",
    "2",
    "3",
    "4",
    undefined,
    undefined,
  ]);
  expect(answers.map(({ done }) => done)).toEqual([false, false, false, false, false, true, true]);
});

test("nothing is asked for before somebody looks, and the third page while the second is used", async () => {
  const { listing, asked } = pagesOf(1, 2, 1);
  const entries = listing();
  expect(asked).toEqual([]);
  await entries.next();
  expect(asked).toEqual([undefined]);
  await entries.next();
  expect(asked).toEqual([undefined, "after 0", "after 1"]);
});

test("a listing that is left asks for no more and is over", async () => {
  const { listing, asked } = pagesOf(2, 1);
  const entries = listing();
  for await (const entry of entries) {
    expect(entry.name).toBe("0");
    break;
  }
  expect(asked).toEqual([undefined]);
  expect(await entries.next()).toEqual({ done: true, value: undefined });
});

test("a page that fails is heard of by the one who comes to it, and ends the listing", async () => {
  const { fetch } = pagesOf(1, 1, 1);
  let calls = 0;
  const failing: FetchPage = async (after) => {
    calls += 1;
    if (calls === 3) throw new Error("gone");
    return fetch(after);
  };
  const entries = new EntryListing(listPages(failing, undefined));
  expect((await entries.next()).value?.name).toBe("0");
  expect((await entries.next()).value?.name).toBe("1");
  await expect(entries.next()).rejects.toThrow("gone");
  expect(await entries.next()).toEqual({ done: true, value: undefined });
});
