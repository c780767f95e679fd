import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { CommandHost } from "../command.ts";
import type { Context } from "../context.ts";
import { CommandFailure } from "../failure.ts";
import { humanSize } from "../format.ts";
import { Output } from "../output.ts";
import { VERSION } from "../version.ts";
import type { BenchFlags, FloorFlags, SoakFlags } from "./bench-flags.ts";
import { type BenchSession, withTarget } from "./bench-session.ts";
import { ClientsLoad } from "./clients/clients-load.ts";
import { FloorLoad } from "./floor/floor-load.ts";
import { LocalLoad } from "./load.ts";
import { thisMachine } from "./machine.ts";
import type { WatchedProcess } from "./process-meter.ts";
import { againstFloor, type BenchReport, type StepResult } from "./report.ts";
import { type LoadRun, runLoad } from "./run-bench.ts";
import { reportLines } from "./show-report.ts";
import { MemorySampler } from "./soak/memory-trend.ts";
import { StepScreen } from "./step-progress.ts";
import type { LoadSettings } from "./workload.ts";

const MIB = 1024 * 1024;
/** Moved by each step of a floor that stands beside other results. */
const FLOOR_BYTES = 256 * MIB;
const NO_FLOOR: Floor = { drivers: [], results: [] };

/** Runs the loads one after the other on the target that the flags name, and tells what they came to. */
export async function runCommand(
  host: CommandHost,
  flags: BenchFlags,
  loads: readonly LoadSettings[],
): Promise<void> {
  await withTarget(host.context, flags, async (session) => {
    const head = reportHead(flags, session.context);
    const folder = resolve(session.context.folder, flags.floorFolder ?? session.folder);
    const isWithFloor = flags.floor === true;
    const floor = isWithFloor
      ? await runFloor({ ...session, folder }, flags, { totalBytes: FLOOR_BYTES, isBrief: true })
      : NO_FLOOR;
    const drivers: WatchedProcess[] = [];
    const results: StepResult[] = [];
    await withFiles(flags, async (fileFolder) => {
      for (const load of loads) {
        const settings = { ...load, fileFolder };
        const ran = await runOn(session, settings, loadRun(session, flags, settings));
        drivers.push(...ran.drivers);
        results.push(...ran.results);
      }
    });
    await tell(host, session, {
      ...head,
      target: session.targetName,
      settings: loads.map(shared),
      floorBytes: isWithFloor ? FLOOR_BYTES : undefined,
      processes: [...session.watched, ...drivers, ...floor.drivers],
      floor: floor.results,
      results: againstFloor(results, floor.results),
    });
  });
}

/** Measures what this machine allows, with no cluster at all, and tells it. */
export async function runFloorCommand(host: CommandHost, flags: FloorFlags): Promise<void> {
  const { context } = host;
  const output = new Output(context, flags);
  const screen = new StepScreen(context, output);
  const head = reportHead(flags, context);
  const folder = resolve(context.folder, flags.floorFolder ?? ".");
  const options = { totalBytes: flags.size, isBrief: false };
  try {
    const floor = await runFloor({ context, screen, folder }, flags, options);
    await tell(
      host,
      { output, screen },
      {
        ...head,
        target: `what this machine allows, with files in ${folder}`,
        settings: [],
        floorBytes: flags.size,
        processes: [thisProcess(), ...floor.drivers],
        floor: floor.results,
        results: [],
      },
    );
  } finally {
    screen.stop();
  }
}

/** Runs a load for long, and tells how the memory of every process went; one that passes the limit makes it fail. */
export async function runSoakCommand(
  host: CommandHost,
  flags: SoakFlags,
  settings: LoadSettings,
): Promise<void> {
  await withTarget(host.context, flags, async (session) => {
    const { watched, context } = session;
    const head = reportHead(flags, context);
    const sampler = new MemorySampler(watched, context.clock, settings.durationMs);
    const run = {
      ...loadRun(session, flags, settings),
      whenMeasured: () => sampler.start(),
    };
    const { results } = await runOn(session, settings, run).catch(async (error: unknown) => {
      await sampler.stop();
      throw error;
    });
    const processes = await sampler.stop();
    const tooLarge = processes.filter(({ peakBytes }) => peakBytes > flags.memoryLimit);
    await tell(host, session, {
      ...head,
      target: session.targetName,
      settings: [shared(settings)],
      floorBytes: undefined,
      processes: watched,
      floor: [],
      results,
      memory: { limitBytes: flags.memoryLimit, processes },
    });
    for (const { name, peakBytes } of tooLarge) {
      context.stderr.write(
        `cairn: ${name} took ${humanSize(peakBytes)} of its own, more than ${humanSize(flags.memoryLimit)}\n`,
      );
    }
    if (tooLarge.length > 0) host.finishWith("unhealthy");
  });
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

function reportHead(
  flags: Pick<BenchFlags, "warmUp" | "replicas" | "from">,
  { clock }: Context,
): Pick<BenchReport, "cairn" | "date" | "machine" | "warmUpMs" | "replicas" | "from"> {
  return {
    cairn: VERSION,
    date: new Date(clock.now()).toISOString(),
    machine: thisMachine(),
    warmUpMs: flags.warmUp,
    replicas: flags.replicas,
    from: flags.from ?? "stream",
  };
}

function loadRun(session: BenchSession, flags: BenchFlags, settings: LoadSettings): LoadRun {
  const { context, watched, screen } = session;
  const { clock, signal } = context;
  return { settings, warmUpMs: flags.warmUp, watched, clock, signal, screen };
}

/** What a load came to, and which processes drove it beside this one. */
interface Floor {
  readonly drivers: readonly WatchedProcess[];
  readonly results: readonly StepResult[];
}

/** Drives a load from here, or from as many processes as the settings say. */
async function runOn(session: BenchSession, settings: LoadSettings, run: LoadRun): Promise<Floor> {
  const { context, target, plan } = session;
  const { clock, signal } = context;
  if (settings.clients === 1) {
    const load = new LocalLoad(target, settings, { clock, signal });
    return { drivers: [], results: await runLoad(load, run) };
  }
  const load = ClientsLoad.start({ plan, settings, clock, signal });
  try {
    return { drivers: load.drivers, results: await runLoad(load, run) };
  } finally {
    await load.close();
  }
}

async function runFloor(
  { context, screen, folder }: Pick<BenchSession, "context" | "screen" | "folder">,
  { warmUp }: { readonly warmUp: number },
  options: { readonly totalBytes: number; readonly isBrief: boolean },
): Promise<Floor> {
  const { clock, signal } = context;
  const load = await FloorLoad.start({ ...options, folder, clock, signal });
  try {
    const { drivers } = load;
    const settings = { workload: "floor", durationMs: 0, clients: 1 };
    const watched = [thisProcess()];
    const run = { settings, warmUpMs: warmUp, watched, clock, signal, screen };
    return { drivers, results: await runLoad(load, run) };
  } finally {
    await load.close();
  }
}

function thisProcess(): WatchedProcess {
  return { name: "client", role: "client", pid: process.pid };
}

/** Where objects are to come from files: with a folder for them, which is removed in the end. */
async function withFiles(
  { from, s3 }: BenchFlags,
  task: (fileFolder: string | undefined) => Promise<void>,
): Promise<void> {
  if (from !== "file") return task(undefined);
  if (s3 !== undefined) {
    throw new CommandFailure("usage", "--from file is for CairnFS; over S3 all goes as a stream");
  }
  const folder = await mkdtemp(join(tmpdir(), "cairn-bench-"));
  try {
    await task(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What all clients of a load have in common. */
function shared({ client: _, ...settings }: LoadSettings): Omit<LoadSettings, "client"> {
  return settings;
}
