import { AssertionFailure } from "@cairnfs/base/assert";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { expect, test } from "vitest";
import { IdAllocator, idsFrom } from "./id-allocator.ts";
import { FIRST_FREE_ID } from "./namespace/ids.ts";

test("ids grow and never come twice, from however many allocators at once", async () => {
  const kv = new MemoryKv();
  const allocators = [new IdAllocator(kv), new IdAllocator(kv), new IdAllocator(kv)];
  const taken = await Promise.all(
    Array.from({ length: 300 }, (_, at) => allocators[at % 3]?.take(1 + (at % 700))),
  );
  const ids = taken.flatMap((fresh) =>
    Array.from({ length: fresh?.count ?? 0 }, (_, at) => (fresh?.first ?? 0) + at),
  );
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.reduce((a, b) => Math.min(a, b))).toBe(FIRST_FREE_ID);
  await kv.close();
});

test("a body that draws more ids than it took is a bug", () => {
  const next = idsFrom({ first: 7, count: 2 });
  expect([next(), next()]).toEqual([7, 8]);
  expect(next).toThrow(AssertionFailure);
});
