import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { Bell } from "./bell.ts";
import { SimClock } from "./testing/sim-clock.ts";

const never = new AbortController().signal;

async function isOver(waiting: Promise<void>): Promise<boolean> {
  const pending = Symbol("pending");
  const first = await Promise.race([
    waiting,
    new Promise((resolve) => setImmediate(() => resolve(pending))),
  ]);
  return first !== pending;
}

test("a waiter hears a ring, one that came before, the end of its patience and an abort", async () => {
  const clock = new SimClock();
  const bell = new Bell(clock);
  const waiting = bell.wait(1000, never);
  expect(await isOver(waiting)).toBe(false);
  bell.ring();
  expect(await isOver(waiting)).toBe(true);

  bell.ring();
  bell.ring();
  expect(await isOver(bell.wait(1000, never))).toBe(true);
  const patient = bell.wait(1000, never);
  expect(await isOver(patient)).toBe(false);
  await clock.advance(1000);
  expect(await isOver(patient)).toBe(true);

  const stop = new AbortController();
  const stopped = bell.wait(1000, stop.signal);
  stop.abort();
  expect(await isOver(stopped)).toBe(true);
  expect(await isOver(bell.wait(1000, stop.signal))).toBe(true);
  expect(clock.pendingTimers).toBe(0);
  expect(getEventListeners(never, "abort")).toEqual([]);
});
