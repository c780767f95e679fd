import { expect, test } from "vitest";
import { Prng } from "./random.ts";
import { silentLogger } from "./telemetry.ts";
import { SimClock } from "./testing/sim-clock.ts";
import { runWorker, type Step } from "./worker.ts";

function partsOf(clock: SimClock) {
  return { clock, random: new Prng(1), logger: silentLogger };
}

test("a worker runs step by step until it is done", async () => {
  const clock = new SimClock();
  const steps: Step[] = ["again", { pauseMs: 1000 }, "done"];
  let ran = 0;
  const step = async () => steps[ran++] ?? "done";
  const running = runWorker({ name: "three", step }, partsOf(clock), new AbortController().signal);
  await clock.advance(999);
  expect(ran).toBe(2);
  await clock.advance(1);
  await running;
  expect(ran).toBe(3);
});

test("a step that fails is tried again after a growing pause", async () => {
  const clock = new SimClock();
  const at: number[] = [];
  const step = async (): Promise<Step> => {
    at.push(clock.now());
    if (at.length < 4) throw new Error("not yet");
    return "done";
  };
  const running = runWorker(
    { name: "stubborn", step },
    partsOf(clock),
    new AbortController().signal,
  );
  await clock.advance(10_000);
  await running;
  const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  expect(pauses).toHaveLength(3);
  expect(pauses[2]).toBeGreaterThan((pauses[0] ?? 0) * 1.9);
});

test("an abort ends the pause and the worker", async () => {
  const clock = new SimClock();
  const controller = new AbortController();
  const step = async (): Promise<Step> => ({ pauseMs: 60_000 });
  const running = runWorker({ name: "idle", step }, partsOf(clock), controller.signal);
  await clock.advance(1);
  controller.abort();
  await running;
  expect(clock.pendingTimers).toBe(0);
});
