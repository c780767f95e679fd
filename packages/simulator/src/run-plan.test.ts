import { expect, test } from "vitest";
import { generatePlan } from "./generate-plan.ts";
import { PROFILES } from "./nemesis/profiles.ts";
import { runPlan } from "./run-plan.ts";

test.each(Object.keys(PROFILES))(
  "a seed gives the same run each time, under %s",
  async (profile) => {
    for (const seed of [1, 2]) {
      const plan = generatePlan(seed, profile);
      const one = await runPlan(plan);
      const other = await runPlan(generatePlan(seed, profile));
      expect(other.traceHash).toBe(one.traceHash);
      expect(other.events).toBe(one.events);
      expect(other.problems).toEqual(one.problems);
      expect(one.events).toBeGreaterThan(100);
    }
  },
);

test("another seed gives another run", async () => {
  const [one, other] = await Promise.all([3, 4].map((seed) => generatePlan(seed, "network")));
  if (one === undefined || other === undefined) throw new Error("there are two plans");
  expect((await runPlan(one)).traceHash).not.toBe((await runPlan(other)).traceHash);
});
