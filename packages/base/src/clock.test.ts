import { expect, test } from "vitest";
import { deadlineAfter } from "./clock.ts";
import { CairnError } from "./errors.ts";
import { SimClock } from "./testing/sim-clock.ts";

test("a sleeper wakes when its time has come, not before", async () => {
  const clock = new SimClock();
  let isAwake = false;
  const sleeping = clock.sleep(100).then(() => {
    isAwake = true;
  });
  await clock.advance(99);
  expect(isAwake).toBe(false);
  await clock.advance(1);
  await sleeping;
  expect(isAwake).toBe(true);
});

test("an aborted sleeper rejects with the signal's reason and leaves no timer", async () => {
  const clock = new SimClock();
  const controller = new AbortController();
  const sleeping = clock.sleep(100, controller.signal);
  controller.abort(new Error("up"));
  await expect(sleeping).rejects.toThrow("up");
  expect(clock.pendingTimers).toBe(0);
});

test("a deadline fires with deadlineExceeded, and a released one leaves no timer", async () => {
  const clock = new SimClock();
  const passing = deadlineAfter(clock, 50);
  const released = deadlineAfter(clock, 50);
  released.release();
  await clock.advance(50);
  expect(passing.signal.reason).toBeInstanceOf(CairnError);
  expect(passing.signal.reason.reason).toBe("deadlineExceeded");
  expect(released.signal.aborted).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});

test("a deadline passes its parent's abort on, also one that came first", () => {
  const clock = new SimClock();
  const parent = new AbortController();
  const later = deadlineAfter(clock, 50, parent.signal);
  parent.abort(new Error("parent"));
  const earlier = deadlineAfter(clock, 50, parent.signal);
  expect(later.signal.reason.message).toBe("parent");
  expect(earlier.signal.reason.message).toBe("parent");
  later.release();
  earlier.release();
});
