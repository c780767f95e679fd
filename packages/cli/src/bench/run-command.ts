import { resolve } from "node:path";
import type { CommandHost } from "../command.ts";
import type { Context } from "../context.ts";
import { Output } from "../output.ts";
import { VERSION } from "../version.ts";
import type { BenchFlags, FloorFlags } from "./bench-flags.ts";
import { type BenchSession, withTarget } from "./bench-session.ts";
import { FloorLoad } from "./floor/floor-load.ts";
import { LocalLoad } from "./load.ts";
import { thisMachine } from "./machine.ts";
import { againstFloor, type BenchReport, type StepResult } from "./report.ts";
import { runLoad } from "./run-bench.ts";
import { reportLines } from "./show-report.ts";
import { StepScreen } from "./step-progress.ts";
import type { LoadSettings } from "./workload.ts";

const MIB = 1024 * 1024;
/** Moved by each step of a floor that stands beside other results. */
const FLOOR_BYTES = 256 * MIB;

/** Runs the loads one after the other on the target that the flags name, and tells what they came to. */
export async function runCommand(
  host: CommandHost,
  flags: BenchFlags,
  loads: readonly LoadSettings[],
): Promise<void> {
  await withTarget(host.context, flags, async (session) => {
    await tell(host, session, await benchReport(session, flags, loads));
  });
}

/** Measures what this machine allows, with no cluster at all, and tells it. */
export async function runFloorCommand(host: CommandHost, flags: FloorFlags): Promise<void> {
  const { context } = host;
  const output = new Output(context, flags);
  const screen = new StepScreen(context, output);
  const date = new Date(context.clock.now()).toISOString();
  const folder = resolve(context.folder, flags.floorFolder ?? ".");
  try {
    const floor = await floorResults({ context, screen, folder }, flags, flags.size, false);
    await tell(
      host,
      { output, screen },
      {
        ...reportHead(flags, date),
        target: `what this machine allows, with files in ${folder}`,
        settings: [],
        floorBytes: flags.size,
        processes: floor.watched,
        floor: floor.results,
        results: [],
      },
    );
  } finally {
    screen.stop();
  }
}

async function tell(
  host: CommandHost,
  { output, screen }: Pick<BenchSession, "output" | "screen">,
  report: BenchReport,
): Promise<void> {
  screen.stop();
  if (output.isJson) await output.json(report);
  else await output.lines(reportLines(report));
  if (report.results.some(({ errors }) => errors.count > 0)) host.finishWith("partial");
}

async function benchReport(
  session: BenchSession,
  flags: BenchFlags,
  loads: readonly LoadSettings[],
): Promise<BenchReport> {
  const { context, target, watched, screen } = session;
  const { clock, signal } = context;
  const head = reportHead(flags, new Date(clock.now()).toISOString());
  const folder = resolve(context.folder, flags.floorFolder ?? session.folder);
  const floor =
    flags.floor === true
      ? await floorResults({ ...session, folder }, flags, FLOOR_BYTES, true)
      : { watched: [], results: [] };
  const results: StepResult[] = [];
  for (const settings of loads) {
    const load = new LocalLoad(target, settings, { clock, signal });
    const run = { settings, warmUpMs: flags.warmUp, watched, clock, signal, screen };
    results.push(...(await runLoad(load, run)));
  }
  return {
    ...head,
    target: session.targetName,
    settings: loads.map(({ client: _, ...settings }) => settings),
    floorBytes: flags.floor === true ? FLOOR_BYTES : undefined,
    processes: [...watched, ...floor.watched.filter(({ pid }) => pid !== process.pid)],
    floor: floor.results,
    results: againstFloor(results, floor.results),
  };
}

function reportHead(flags: Pick<BenchFlags, "warmUp" | "replicas">, date: string) {
  return {
    cairn: VERSION,
    date,
    machine: thisMachine(),
    warmUpMs: flags.warmUp,
    replicas: flags.replicas,
  };
}

async function floorResults(
  session: { readonly context: Context; readonly screen: StepScreen; readonly folder: string },
  flags: Pick<BenchFlags, "warmUp">,
  totalBytes: number,
  isBrief: boolean,
) {
  const { context, screen, folder } = session;
  const { clock, signal } = context;
  const load = await FloorLoad.start({ totalBytes, folder, clock, signal, isBrief });
  try {
    const { watched } = load;
    const settings = { workload: "floor", durationMs: 0, clients: 1 } as const;
    const run = { settings, warmUpMs: flags.warmUp, watched, clock, signal, screen };
    return { watched, results: await runLoad(load, run) };
  } finally {
    await load.close();
  }
}
