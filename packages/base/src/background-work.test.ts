import { expect, test } from "vitest";
import { BackgroundWork } from "./background-work.ts";
import { Prng } from "./random.ts";
import { silentLogger } from "./telemetry.ts";
import { SimClock } from "./testing/sim-clock.ts";

test("workers run side by side until they are closed, each to the end of its step", async () => {
  const clock = new SimClock();
  const work = new BackgroundWork({ clock, random: new Prng(1), logger: silentLogger });
  const steps = { quick: 0, slow: 0 };
  work.start({
    name: "quick",
    step: async () => {
      steps.quick += 1;
      return { pauseMs: 10 };
    },
  });
  work.start({
    name: "slow",
    step: async () => {
      await clock.sleep(25);
      steps.slow += 1;
      return "again";
    },
  });
  await clock.advance(40);
  const closing = work.close();
  await clock.advance(25);
  await closing;
  expect(steps).toEqual({ quick: 5, slow: 2 });
  await clock.advance(100);
  expect(steps).toEqual({ quick: 5, slow: 2 });
});
