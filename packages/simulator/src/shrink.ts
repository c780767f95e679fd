import type { Plan } from "./plan.ts";
import { type RunReport, runPlan } from "./run-plan.ts";

/** One thing that can be left out of a plan. */
type Part =
  | { readonly of: "operation"; readonly id: number }
  | { readonly of: "fault"; readonly id: number };

/** What a plan was cut down to. */
export interface Shrunk {
  readonly report: RunReport;
  readonly runs: number;
}

/**
 * The smallest plan that can be found in so many runs which fails in the same way: operations and faults are left out by
 * delta debugging, in halves, then quarters, and so on down to single ones.
 */
export async function shrink(failed: RunReport, runsMax: number): Promise<Shrunk> {
  const kind = kindOf(failed);
  let best = failed;
  let runs = 0;
  let parts = partsOf(failed.plan);
  for (let size = Math.ceil(parts.length / 2); size >= 1; ) {
    let hasCut = false;
    for (let at = 0; at < parts.length && runs < runsMax; ) {
      const kept = [...parts.slice(0, at), ...parts.slice(at + size)];
      runs += 1;
      const report = await runPlan(planOf(failed.plan, kept));
      if (kindOf(report) === kind) {
        best = report;
        parts = kept;
        hasCut = true;
      } else {
        at += size;
      }
    }
    if (runs >= runsMax) break;
    if (size === 1 && !hasCut) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return { report: best, runs };
}

/** In what way a run failed: its first problem without the facts of this run. */
export function kindOf(report: RunReport): string | undefined {
  return report.problems[0]
    ?.split("\n", 1)[0]
    ?.replaceAll(/[0-9a-f]{16,}/gu, "#")
    .replaceAll(/\d+(?:\.\d+)?/gu, "#")
    .slice(0, 60);
}

function partsOf(plan: Plan): Part[] {
  return [
    ...plan.faults.map(({ id }) => ({ of: "fault", id }) as const),
    ...plan.operations.map(({ id }) => ({ of: "operation", id }) as const),
  ];
}

function planOf(plan: Plan, parts: readonly Part[]): Plan {
  const kept = new Set(parts.map(({ of, id }) => `${of} ${id}`));
  return {
    ...plan,
    operations: plan.operations.filter(({ id }) => kept.has(`operation ${id}`)),
    faults: plan.faults.filter(({ id }) => kept.has(`fault ${id}`)),
  };
}
