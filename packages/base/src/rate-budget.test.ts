import { expect, test } from "vitest";
import { RateBudget } from "./rate-budget.ts";
import { SimClock } from "./testing/sim-clock.ts";

const never = new AbortController().signal;

/** Takes one after the other; gives when each was served, in seconds from the start. */
async function servedAt(sizes: readonly number[], pauseMs = 0): Promise<readonly number[]> {
  const clock = new SimClock();
  const startMs = clock.monotonicMs();
  const budget = new RateBudget(clock, 1000);
  await clock.advance(pauseMs);
  const served: number[] = [];
  const all = sizes.map(async (sizeBytes, at) => {
    await budget.take(sizeBytes, never);
    served[at] = (clock.monotonicMs() - startMs - pauseMs) / 1000;
  });
  await clock.advance(60_000);
  await Promise.all(all);
  return served;
}

test("a second's worth is there at once, and then the rate holds", async () => {
  expect(await servedAt([500, 500, 500, 500, 500])).toEqual([0, 0, 0, 0.5, 1]);
});

test("who takes more than a second's worth is served, and the next one waits for it", async () => {
  expect(await servedAt([10_000, 1])).toEqual([0, 9]);
});

test("a long rest saves up no more than a second's worth", async () => {
  expect(await servedAt([1000, 1000, 1], 50_000)).toEqual([0, 0, 1]);
});

test("who gives up waiting hands what he would have used to those who come next", async () => {
  const clock = new SimClock();
  const budget = new RateBudget(clock, 1000);
  await budget.take(3000, never);
  const stop = new AbortController();
  const given = expect(budget.take(50_000, stop.signal)).rejects.toBe("enough");
  stop.abort("enough");
  await given;
  const startMs = clock.monotonicMs();
  const served = budget.take(1, never).then(() => clock.monotonicMs() - startMs);
  await clock.advance(60_000);
  expect(await served).toBe(2000);
});
