import { expect, test } from "vitest";
import { BufferPool } from "./buffer-pool.ts";

test("a buffer that was given back is used again for the same size, up to the limit", () => {
  const pool = new BufferPool(200);
  const [first, second, third] = [pool.take(100), pool.take(100), pool.take(100)];
  for (const buffer of [first, second, third]) pool.give(buffer);
  expect([pool.take(100), pool.take(100)]).toEqual([second, first]);
  expect(pool.take(100)).not.toBe(third);
  pool.give(first);
  pool.give(pool.take(50));
  expect(pool.take(100)).not.toBe(first);
  pool.clear();
  expect(pool.take(50).byteLength).toBe(50);
});
