import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { expect, test } from "vitest";
import { ResyncAllowance } from "./resync-allowance.ts";

test("a second's worth may be taken at once, then as much as comes in", async () => {
  const clock = new SimClock();
  const allowance = new ResyncAllowance(clock, 1000);
  expect([allowance.take(500), allowance.take(500)]).toEqual([true, true]);
  // Up to the limit is free, and the one that goes over it is paid for afterwards.
  expect(allowance.take(2000)).toBe(true);
  expect(allowance.take(1)).toBe(false);
  await clock.advance(1999);
  expect(allowance.take(1)).toBe(false);
  await clock.advance(1);
  expect(allowance.take(1)).toBe(true);
});

test("a long pause saves up no more than a second's worth", async () => {
  const clock = new SimClock();
  const allowance = new ResyncAllowance(clock, 1000);
  await clock.advance(3_600_000);
  expect(allowance.take(1001)).toBe(true);
  expect(allowance.take(1)).toBe(false);
});
