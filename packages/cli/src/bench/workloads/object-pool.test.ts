import { Prng } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { ObjectPool } from "./object-pool.ts";

async function tick(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("under many at once nothing is read that is gone, and nothing goes that is read", async () => {
  const random = new Prng(5);
  const pool = new ObjectPool(random, { least: 2, most: 20 });
  const there = new Set<number>();
  const read = new Map<number, number>();
  const put = async (id: number) => {
    expect(read.get(id) ?? 0).toBe(0);
    await tick();
    there.add(id);
  };
  const worker = async () => {
    for (let round = 0; round < 300; round++) {
      const chance = random.next();
      if (chance < 0.4) await pool.adding(put);
      else if (chance < 0.6) {
        await pool.removing(async (id) => {
          expect(read.get(id) ?? 0).toBe(0);
          there.delete(id);
          await tick();
        });
      } else {
        await pool.reading(async (id) => {
          read.set(id, (read.get(id) ?? 0) + 1);
          expect(there.has(id)).toBe(true);
          await tick();
          expect(there.has(id)).toBe(true);
          read.set(id, (read.get(id) ?? 0) - 1);
        });
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  expect(pool.size).toBe(there.size);
  // Those under way may come on top of the most.
  expect(pool.size).toBeLessThanOrEqual(28);
  expect(pool.size).toBeGreaterThanOrEqual(2);
});

test("an empty pool has nothing to read, and one at its least nothing to remove", async () => {
  const pool = new ObjectPool(new Prng(1), { least: 1, most: 2 });
  expect(await pool.reading(async (id) => id)).toBeUndefined();
  await pool.adding(async () => undefined);
  expect(await pool.removing(async (id) => id)).toBeUndefined();
  expect(await pool.reading(async (id) => id)).toBe(0);
});

test("what could not be put is not there", async () => {
  const pool = new ObjectPool(new Prng(1), { least: 0, most: 2 });
  await expect(pool.adding(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(pool.size).toBe(0);
});
