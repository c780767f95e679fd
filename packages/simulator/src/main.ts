import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { SystemClock } from "@cairnfs/base/clock";
import { generatePlan } from "./generate-plan.ts";
import { runMutations } from "./mutations/run-mutations.ts";
import { PROFILES } from "./nemesis/profiles.ts";
import { failureText, replayCommand } from "./report-text.ts";
import { runPlan } from "./run-plan.ts";
import type { SeedResult } from "./seed-messages.ts";
import { runSeedPool } from "./seed-pool.ts";
import { shrink } from "./shrink.ts";

const USAGE = `Runs whole clusters on virtual time, with faults by seed, and judges them.

  npm run simulate                         1,000 seeds from a fresh one on
  npm run simulate -- --seeds 5000 --from 1
  npm run simulate -- --minutes 10 --profile crashes --jobs 2
  npm run simulate -- --seed 1234 --trace  one seed again, with all that happens

  --seeds N      how many seeds; 1000
  --minutes M    stop after so long, 0.5 for half of one
  --from S       the first seed; a fresh one
  --profile P    ${Object.keys(PROFILES).join(", ")}; a mix
  --jobs J       processes side by side; one for each core
  --seed S       only this seed, in this process
  --trace        with --seed: every log line, fault and operation
  --no-shrink    do not make failing histories small
  --mutations    put deliberate bugs into the code, one after the other, and see how many seeds find each
  --only NAMES   with --mutations: only these, with commas between
`;

/** How many failing seeds are made small, and in how many runs each. */
const SHRUNK_MAX = 3;
const SHRINK_RUNS = 150;
const PROGRESS_MS = 2_000;

const clock = new SystemClock();
const flags = flagsOf(process.argv.slice(2));

// Who reads this may have read enough: `| head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
process.exitCode = await main();

function flagsOf(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        seeds: { type: "string" },
        minutes: { type: "string" },
        from: { type: "string" },
        profile: { type: "string" },
        jobs: { type: "string" },
        seed: { type: "string" },
        trace: { type: "boolean", default: false },
        mutations: { type: "boolean", default: false },
        only: { type: "string" },
        shrink: { type: "boolean", default: true },
        help: { type: "boolean", short: "h", default: false },
      },
      allowNegative: true,
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse(
      `${error.message.split("\n")[0]?.replace(/\.$/u, "")}; --help shows what there is`,
    );
  }
}

function refuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

async function main(): Promise<number> {
  if (flags.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (flags.profile !== undefined && !Object.hasOwn(PROFILES, flags.profile)) {
    refuse(`--profile is ${flags.profile}, expected one of ${Object.keys(PROFILES).join(", ")}`);
  }
  if (flags.trace && flags.seed === undefined) refuse("--trace goes with --seed");
  if (flags.mutations) return runAllMutations();
  return flags.seed === undefined ? runMany() : runOne(number("seed", flags.seed));
}

async function runOne(seed: number): Promise<number> {
  const onLine = flags.trace ? (line: string) => void process.stdout.write(`${line}\n`) : undefined;
  const report = await runPlan(generatePlan(seed, flags.profile), { onLine });
  const took = `${report.events} events in ${(report.virtualMs / 1000).toFixed(1)} s of its time`;
  if (report.problems.length === 0) {
    process.stdout.write(
      `seed ${seed} (${report.plan.profile}) is fine: ${took}, trace ${report.traceHash}\n`,
    );
    return 0;
  }
  process.stdout.write(`${failureText(report)}\n`);
  if (flags.shrink && !flags.trace) await showSmall(seed);
  return 1;
}

async function runMany(): Promise<number> {
  const count = number("seeds", flags.seeds ?? "1000");
  const from = number("from", flags.from ?? String(clock.now() % 1_000_000_000));
  const jobs = number("jobs", flags.jobs ?? String(availableParallelism()), 1);
  const startedMs = clock.monotonicMs();
  const untilMs =
    flags.minutes === undefined
      ? Number.POSITIVE_INFINITY
      : startedMs + minutes(flags.minutes) * 60_000;
  const failures: SeedResult[] = [];
  let next = 0;
  let done = 0;
  let undecided = 0;
  const rate = () => Math.round((done / (clock.monotonicMs() - startedMs)) * 60_000);
  const progress = () => `${plural(done, "seed")}, ${rate()} a minute, ${failures.length} failed`;
  process.stdout.write(
    `seeds from ${from} on, ${flags.profile ?? "a mix of profiles"}, ${plural(jobs, "process", "processes")}\n`,
  );
  let toldMs = startedMs;
  await runSeedPool({
    jobs,
    profile: flags.profile,
    next: () => (next < count && clock.monotonicMs() < untilMs ? from + next++ : undefined),
    onResult: (result) => {
      done += 1;
      undecided += Number(result.isUndecided);
      if (result.problems.length > 0) showFailure(result, failures);
      if (clock.monotonicMs() - toldMs < PROGRESS_MS) return;
      toldMs = clock.monotonicMs();
      process.stderr.write(`${progress()}\n`);
    },
  });
  for (const { seed } of flags.shrink ? failures.slice(0, SHRUNK_MAX) : []) await showSmall(seed);
  const note = undecided === 0 ? "" : `, ${undecided} histories too hard to judge`;
  process.stdout.write(`${progress()}${note}\n`);
  return failures.length === 0 ? 0 : 1;
}

async function runAllMutations(): Promise<number> {
  const results = await runMutations({
    jobs: number("jobs", flags.jobs ?? String(availableParallelism()), 1),
    from: number("from", flags.from ?? "1"),
    seedsMax: number("seeds", flags.seeds ?? "3000"),
    knownBad: [],
    names: flags.only?.split(",") ?? [],
    profile: flags.profile,
    onCaught: ({ mutation, seeds, caughtBy }) => {
      const how =
        caughtBy === undefined
          ? "not caught"
          : `seed ${caughtBy.seed} (${caughtBy.profile}): ${(caughtBy.problems[0] ?? "").slice(0, 160)}`;
      process.stdout.write(
        `| ${mutation.name} | ${seeds ?? "-"} | ${how.replaceAll("\n", " ")} |\n`,
      );
    },
  });
  return results.every(({ seeds }) => seeds !== undefined) ? 0 : 1;
}

function showFailure(result: SeedResult, failures: SeedResult[]): void {
  failures.push(result);
  const [first = ""] = result.problems;
  process.stdout.write(
    `seed ${result.seed} (${result.profile}) fails: ${first.slice(0, 300)}\n` +
      `  npm run simulate -- --seed ${result.seed} --profile ${result.profile} --trace\n`,
  );
}

async function showSmall(seed: number): Promise<void> {
  const report = await runPlan(generatePlan(seed, flags.profile));
  if (report.problems.length === 0) return;
  const { report: small, runs } = await shrink(report, SHRINK_RUNS);
  process.stdout.write(
    `made small in ${runs} runs, ${small.plan.operations.length} of ${report.plan.operations.length} operations ` +
      `and ${small.plan.faults.length} of ${report.plan.faults.length} faults are left:\n${failureText(small)}\n` +
      `  all of it: ${replayCommand(report)}\n`,
  );
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function minutes(text: string): number {
  const value = Number(text);
  if (!(value > 0)) refuse(`--minutes is ${text}, expected a number above 0, as 10 or 0.5`);
  return value;
}

function number(name: string, text: string, least = 0): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    refuse(`--${name} is ${text}, expected a whole number${least > 0 ? ` from ${least} on` : ""}`);
  }
  return value;
}
