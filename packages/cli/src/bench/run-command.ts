import type { CommandHost } from "../command.ts";
import { VERSION } from "../version.ts";
import type { BenchFlags } from "./bench-flags.ts";
import { type BenchSession, withTarget } from "./bench-session.ts";
import { LocalLoad } from "./load.ts";
import { thisMachine } from "./machine.ts";
import type { BenchReport, StepResult } from "./report.ts";
import { runLoad } from "./run-bench.ts";
import { reportLines } from "./show-report.ts";
import type { LoadSettings } from "./workload.ts";

/** Runs the loads one after the other on the target that the flags name, and tells what they came to. */
export async function runCommand(
  host: CommandHost,
  flags: BenchFlags,
  loads: readonly LoadSettings[],
): Promise<void> {
  await withTarget(host.context, flags, async (session) => {
    const { output, screen } = session;
    const report = await benchReport(session, flags, loads);
    screen.stop();
    if (output.isJson) await output.json(report);
    else await output.lines(reportLines(report));
    if (report.results.some(({ errors }) => errors.count > 0)) host.finishWith("partial");
  });
}

async function benchReport(
  session: BenchSession,
  flags: BenchFlags,
  loads: readonly LoadSettings[],
): Promise<BenchReport> {
  const { context, target, watched, screen } = session;
  const { clock, signal } = context;
  const date = new Date(clock.now()).toISOString();
  const results: StepResult[] = [];
  for (const settings of loads) {
    const load = new LocalLoad(target, settings, { clock, signal });
    const run = { settings, warmUpMs: flags.warmUp, watched, clock, signal, screen };
    results.push(...(await runLoad(load, run)));
  }
  return {
    cairn: VERSION,
    date,
    machine: thisMachine(),
    target: session.targetName,
    settings: loads.map(({ client: _, ...settings }) => settings),
    warmUpMs: flags.warmUp,
    replicas: flags.replicas,
    processes: watched,
    results,
  };
}
