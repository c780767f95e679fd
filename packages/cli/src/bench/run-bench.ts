import type { Clock } from "@cairnfs/base/clock";
import type { Load } from "./load.ts";
import { ProcessMeter, type WatchedProcess } from "./process-meter.ts";
import { type RunSettings, type StepResult, stepResults } from "./report.ts";
import type { StepScreen } from "./step-progress.ts";

export interface LoadRun {
  readonly settings: RunSettings;
  readonly warmUpMs: number;
  /** Whose CPU and memory are told, beside those that drive the load. */
  readonly watched: readonly WatchedProcess[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly screen: StepScreen;
  /** Called when the load is warm, as the first step begins that is measured. */
  readonly whenMeasured?: () => Promise<void>;
}

/** Runs all steps of a load, warmed up, and resolves with what the measured ones came to. */
export async function runLoad(load: Load, run: LoadRun): Promise<StepResult[]> {
  await warmLoad(load, run);
  const { settings, screen, signal } = run;
  const results: StepResult[] = [];
  let isBegun = false;
  for (const [at, step] of load.steps.entries()) {
    signal.throwIfAborted();
    const progress = screen.follow(step, settings.durationMs);
    if (!step.isMeasured) {
      await load.run(at, progress);
      continue;
    }
    const meter = new ProcessMeter([...run.watched, ...load.drivers]);
    await meter.start();
    if (!isBegun) await run.whenMeasured?.();
    isBegun = true;
    const outcomes = await load.run(at, progress);
    results.push(...stepResults(settings, step, outcomes, await meter.stop()));
  }
  screen.stop();
  return results;
}

/** Opens a load and warms it up. */
async function warmLoad(load: Load, { settings, warmUpMs, screen }: LoadRun): Promise<void> {
  await load.open();
  if (warmUpMs === 0) return;
  screen.say(`${settings.workload}: warming up`);
  await load.warmUp(warmUpMs);
}
