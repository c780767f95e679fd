import { CairnError } from "@cairnfs/base/errors";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { expect, test } from "vitest";
import { KindFailure, runStep, type Step, type StepProgress } from "./step.ts";

function stepOf(parts: Partial<Step> & Pick<Step, "operate">): Step {
  return {
    name: "step",
    isMeasured: true,
    per: "operations",
    parallel: 4,
    operations: () => undefined,
    ...parts,
  };
}

function runOn(clock: SimClock, durationMs = 0, signal = new AbortController().signal) {
  const progress: StepProgress = { operations: 0, expected: undefined, bytes: 0, errors: 0 };
  return { clock, signal, durationMs, progress };
}

test("each operation of a counted step is done once, and no more at a time than are parallel", async () => {
  const seen: number[] = [];
  let running = 0;
  let most = 0;
  const run = runOn(new SimClock());
  const outcome = await runStep(
    stepOf({
      operations: () => 50,
      operate: async ({ at, took }) => {
        seen.push(at);
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
        took(10);
        return { bytes: 10 };
      },
    }),
    run,
  );
  expect(seen).toEqual(Array.from({ length: 50 }, (_, at) => at));
  expect(most).toBe(4);
  expect(outcome.tallies).toMatchObject([{ kind: "", bytes: 500, errors: 0 }]);
  expect(run.progress).toMatchObject({ operations: 50, expected: 50, bytes: 500 });
});

test("a timed step goes on until its time is up, and what is under way then counts", async () => {
  const clock = new SimClock();
  const running = runStep(
    stepOf({
      parallel: 2,
      operate: async ({ signal }) => {
        await clock.sleep(400, signal);
        return {};
      },
    }),
    runOn(clock, 1_000),
  );
  for (let round = 0; round < 4; round++) await clock.advance(400);
  const outcome = await running;
  expect(outcome.endedMs - outcome.startedMs).toBe(1_200);
  expect(outcome.tallies[0]?.latency.buckets.reduce((sum, [, count]) => sum + count, 0)).toBe(6);
  expect(outcome.tallies[0]?.latency.maxMs).toBe(400);
});

test("an operation that fails is counted with its kind and first message, and the others go on", async () => {
  const clock = new SimClock();
  const running = runStep(
    stepOf({
      parallel: 1,
      operations: () => 4,
      operate: async ({ at }) => {
        const cause = new CairnError("pathNotFound", `nothing is at ${at}`);
        if (at === 1 || at === 2) throw new KindFailure("GET", cause);
        return { kind: at === 0 ? "GET" : "PUT" };
      },
    }),
    runOn(clock),
  );
  for (let round = 0; round < 3; round++) await clock.advance(20);
  const { tallies } = await running;
  expect(tallies).toMatchObject([
    { kind: "GET", errors: 2, firstError: "nothing is at 1" },
    { kind: "PUT", errors: 0, firstError: undefined },
  ]);
});

test("a step ends when the run's signal fires, and says so", async () => {
  const clock = new SimClock();
  const controller = new AbortController();
  const running = runStep(
    stepOf({ operate: async ({ signal }) => clock.sleep(100, signal).then(() => ({})) }),
    runOn(clock, 60_000, controller.signal),
  );
  controller.abort(new CairnError("cancelled", "interrupted"));
  await expect(running).rejects.toMatchObject({ reason: "cancelled" });
});
