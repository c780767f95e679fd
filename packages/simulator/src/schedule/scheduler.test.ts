import { expect, test } from "vitest";
import { SimProcess } from "../process/sim-process.ts";
import { Chance } from "./chance.ts";
import { SimScheduler } from "./scheduler.ts";

test("events fire in the order of their time, and promises settle before the next", async () => {
  const scheduler = new SimScheduler(new Chance(1));
  const seen: string[] = [];
  scheduler.after(20, () => seen.push("late"));
  scheduler.after(10, () => {
    void (async () => {
      for (let turn = 0; turn < 50; turn++) await undefined;
      seen.push("settled");
    })();
  });
  await scheduler.runUntil(100);
  expect(seen).toEqual(["settled", "late"]);
  expect(scheduler.nowMs).toBe(100);
  expect(scheduler.pending).toBe(0);
});

test("what was cancelled does not fire", async () => {
  const scheduler = new SimScheduler(new Chance(1));
  let fired = 0;
  const event = scheduler.after(5, () => fired++);
  scheduler.after(6, () => fired++);
  scheduler.cancel(event);
  await scheduler.runUntil(10);
  expect(fired).toBe(1);
});

test("a thousand events in any order come out in theirs", async () => {
  const chance = new Chance(7);
  const scheduler = new SimScheduler(chance);
  const times: number[] = [];
  for (let count = 0; count < 1000; count++) {
    scheduler.after(chance.below(300), () => times.push(scheduler.nowMs));
  }
  await scheduler.runUntil(1000);
  expect(times).toHaveLength(1000);
  expect(times).toEqual([...times].sort((one, other) => one - other));
});

function processOf(scheduler: SimScheduler, rate = 1) {
  const clockError = { rate, offsetMs: 0 };
  const random = new Chance(3);
  return { clockError, process: new SimProcess({ host: "h", scheduler, random, clockError }) };
}

test("nothing calls a killed process back", async () => {
  const scheduler = new SimScheduler(new Chance(1));
  const { process } = processOf(scheduler);
  let woken = 0;
  void process.clock.sleep(10).then(() => woken++);
  process.clock.after(10, () => woken++);
  await scheduler.runUntil(5);
  process.kill();
  await scheduler.runUntil(100);
  expect(woken).toBe(0);
});

test("a frozen process gets everything later, in order", async () => {
  const scheduler = new SimScheduler(new Chance(1));
  const { process } = processOf(scheduler);
  const seen: number[] = [];
  for (const ms of [10, 20, 30]) process.clock.after(ms, () => seen.push(ms));
  process.freeze();
  await scheduler.runUntil(25);
  expect(seen).toEqual([]);
  process.thaw();
  await scheduler.runUntil(40);
  expect(seen.sort()).toEqual([10, 20, 30]);
});

test("a clock drifts, and only its time of day jumps", async () => {
  const scheduler = new SimScheduler(new Chance(1));
  const { process, clockError } = processOf(scheduler, 2);
  const startMs = process.clock.now();
  await scheduler.runUntil(1000);
  expect(process.clock.monotonicMs()).toBeCloseTo(2000);
  clockError.offsetMs -= 50_000;
  expect(process.clock.now() - startMs).toBe(2000 - 50_000);
  expect(process.clock.monotonicMs()).toBeCloseTo(2000);
});
