import { expect, test } from "vitest";
import {
  isPageAligned,
  PAGE_BYTES,
  PageBuffers,
  PagePool,
  pageBuffer,
  wholePages,
} from "./page-memory.ts";

test("page memory begins with a page, and so do its parts at multiples of one", () => {
  const memory = pageBuffer(3 * PAGE_BYTES + 5);
  expect(memory.byteLength).toBe(3 * PAGE_BYTES + 5);
  expect(isPageAligned(memory)).toBe(true);
  expect(isPageAligned(memory.subarray(PAGE_BYTES))).toBe(true);
  expect(isPageAligned(memory.subarray(1))).toBe(false);
  expect(isPageAligned(Buffer.alloc(PAGE_BYTES))).toBe(false);
});

test("a pool lends each of its buffers to one at a time, in turn", async () => {
  const pool = PagePool.create(PAGE_BYTES, 2);
  const events: string[] = [];
  const inUse = new Set<Buffer>();
  const use = async (name: string) => {
    await pool?.lend(async (buffer) => {
      expect(isPageAligned(buffer)).toBe(true);
      expect(inUse.has(buffer)).toBe(false);
      inUse.add(buffer);
      events.push(name);
      await undefined;
      inUse.delete(buffer);
    });
  };
  await Promise.all(["a", "b", "c", "d", "e"].map(use));
  expect(events).toEqual(["a", "b", "c", "d", "e"]);
});

test("a buffer comes back when its user fails", async () => {
  const pool = PagePool.create(PAGE_BYTES, 1);
  await expect(pool?.lend(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await pool?.lend(async (buffer) => buffer.byteLength)).toBe(PAGE_BYTES);
});

test("sizes are rounded up to whole pages", () => {
  expect([0, 1, PAGE_BYTES, PAGE_BYTES + 1].map(wholePages)).toEqual([
    0,
    PAGE_BYTES,
    PAGE_BYTES,
    2 * PAGE_BYTES,
  ]);
});

test("buffers that were given back are used again, and no more than the limit are kept", () => {
  const buffers = new PageBuffers(PAGE_BYTES, 2 * PAGE_BYTES);
  const lent = [buffers.take(), buffers.take(), buffers.take()];
  for (const buffer of lent) buffers.give(buffer);
  const again = [buffers.take(), buffers.take(), buffers.take()];
  expect(again.filter((buffer) => lent.includes(buffer))).toHaveLength(2);
  expect(again.every(isPageAligned)).toBe(true);
});
