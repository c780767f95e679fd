import type { Clock } from "@cairnfs/base/clock";
import type { Load } from "./load.ts";
import { ProcessMeter, type WatchedProcess } from "./process-meter.ts";
import { type RunSettings, type StepResult, stepResults } from "./report.ts";
import type { StepScreen } from "./step-progress.ts";

export interface LoadRun {
  readonly settings: RunSettings;
  readonly warmUpMs: number;
  /** Whose CPU and memory are told. */
  readonly watched: readonly WatchedProcess[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly screen: StepScreen;
}

/** Runs all steps of a load, warmed up, and resolves with what the measured ones came to. */
export async function runLoad(load: Load, run: LoadRun): Promise<StepResult[]> {
  const { settings, screen, signal } = run;
  await load.open();
  if (run.warmUpMs > 0) {
    screen.say(`${settings.workload}: warming up`);
    await load.warmUp(run.warmUpMs);
  }
  const results: StepResult[] = [];
  for (const [at, step] of load.steps.entries()) {
    signal.throwIfAborted();
    const progress = screen.follow(step, settings.durationMs);
    if (!step.isMeasured) {
      await load.run(at, progress);
      continue;
    }
    const meter = new ProcessMeter(run.watched);
    await meter.start();
    const outcome = await load.run(at, progress);
    results.push(...stepResults(settings, step, [outcome], await meter.stop()));
  }
  screen.stop();
  return results;
}
