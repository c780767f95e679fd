import { historyLine } from "./history/operation.ts";
import { faultLine } from "./nemesis/fault.ts";
import type { RunReport } from "./run-plan.ts";

/** What a failed run has to say to a person. */
export function failureText(report: RunReport): string {
  const { plan, problems, history } = report;
  const { shape } = plan;
  return [
    `seed ${plan.seed} (${plan.profile}) fails:`,
    ...problems.map((problem) => `  - ${problem}`),
    `  cluster: ${shape.nodes} nodes, ${shape.clients} clients, ${shape.replicationFactor} copies, ${shape.zones} zones, store ${shape.store}`,
    ...plan.faults.map((fault) => `  ${faultLine(fault)}`),
    ...history.map((entry) => `  ${historyLine(entry, plan.values)}`),
  ].join("\n");
}

/** The one command that runs exactly this again. */
export function replayCommand(report: RunReport): string {
  const { seed, profile } = report.plan;
  return `npm run simulate -- --seed ${seed} --profile ${profile} --trace`;
}
