import { generatePlan } from "./generate-plan.ts";
import { runPlan } from "./run-plan.ts";
import type { SeedResult } from "./seed-messages.ts";

/** Runs the seed's plan; what goes wrong in the simulator itself is a problem of the run as well. */
export async function runSeed(seed: number, profile: string | undefined): Promise<SeedResult> {
  const plan = generatePlan(seed, profile);
  const stray: string[] = [];
  const onStray = (error: unknown) => {
    stray.push(`nobody handles: ${error instanceof Error ? error.stack : String(error)}`);
  };
  process.on("unhandledRejection", onStray);
  try {
    const report = await runPlan(plan);
    return {
      seed,
      profile: plan.profile,
      problems: [...report.problems, ...stray],
      events: report.events,
      isUndecided: report.isUndecided,
    };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { seed, profile: plan.profile, problems: [text], events: 0, isUndecided: false };
  } finally {
    process.off("unhandledRejection", onStray);
  }
}
