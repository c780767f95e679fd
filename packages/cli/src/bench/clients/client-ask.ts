import type { StepInfo } from "../load.ts";
import type { StepOutcome, StepProgress } from "../step.ts";
import type { TargetPlan } from "../target-plan.ts";
import type { LoadSettings } from "../workload.ts";

/** What a client process is asked to do. */
export type ClientAsk =
  | { readonly do: "open"; readonly plan: TargetPlan; readonly settings: LoadSettings }
  | { readonly do: "warm up"; readonly durationMs: number }
  | { readonly do: "run"; readonly at: number }
  | { readonly do: "progress" }
  | { readonly do: "close" };

/** What it answers with, as far as there is anything to say. */
export interface ClientReply {
  readonly steps?: readonly StepInfo[];
  readonly outcome?: StepOutcome;
  readonly progress?: StepProgress;
}
