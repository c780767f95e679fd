import { auditCopies } from "./check/audit.ts";
import { checkDisks } from "./check/check-disks.ts";
import { checkHistory } from "./check/check-history.ts";
import { checkQuiet, workLeft } from "./check/check-quiet.ts";
import { FOLDERS } from "./generate-plan.ts";
import type { HistoryEntry, PlannedOperation } from "./history/operation.ts";
import { historyLine } from "./history/operation.ts";
import type { FaultAction } from "./nemesis/fault.ts";
import { Nemesis } from "./nemesis/nemesis.ts";
import type { Plan } from "./plan.ts";
import { ClientRunner } from "./world/client-runner.ts";
import { Operator } from "./world/operator.ts";
import { World } from "./world/world.ts";

const [DIR, EXT] = FOLDERS;
/** How long clients may take for what they have to do, faults included. */
const WORK_MS = 600_000;
/** How long a cluster without faults may take until nothing is left to do. */
const QUIET_MS = 900_000;
/** The final reads have ids from this on, and may take so long. */
const FINAL_IDS = 1_000;
const FINAL_MS = 120_000;
const AUDIT_MS = 700;
const REMOVE_MS = 3_000;
/** After these a copy may be gone, or its time be over, without anybody being at fault. */
const HIDING: ReadonlySet<FaultAction["kind"]> = new Set([
  "rot",
  "loseDisk",
  "failDisk",
  "jumpClock",
]);
const QUIET_STEP_MS = 5_000;
const QUIET_STEP_MAX_MS = 30_000;

/** What came of a run. */
export interface RunReport {
  readonly plan: Plan;
  /** Empty when all is well. */
  readonly problems: readonly string[];
  readonly history: readonly HistoryEntry[];
  /** The same for every run of the same plan. */
  readonly traceHash: string;
  readonly events: number;
  readonly virtualMs: number;
  /** Whether the history was too hard to judge. */
  readonly isUndecided: boolean;
}

export interface RunOptions {
  /** Hears what happens, line by line. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** Runs a plan from an empty cluster to its judgement. */
export async function runPlan(plan: Plan, options: RunOptions = {}): Promise<RunReport> {
  const world = new World(plan.seed, plan.shape);
  const { scheduler, problems } = world;
  if (options.onLine !== undefined) {
    const { onLine } = options;
    problems.onLine = (line) => onLine(`${scheduler.nowMs.toFixed(1).padStart(10)} ${line}`);
  }
  const history: HistoryEntry[] = [];
  let position = 0;
  const runners = world.clients.map(
    (machine) =>
      new ClientRunner(world, machine, {
        values: plan.values,
        operations: plan.operations.filter(({ client }) => client === machine.host),
        history,
        position: () => position++,
      }),
  );
  let isUndecided = false;
  try {
    world.canLoseCopies = plan.faults.some(({ action }) => HIDING.has(action.kind));
    await world.start();
    const nemesis = new Nemesis(world, runners);
    nemesis.schedule(plan.faults);
    for (const runner of runners) runner.start();
    const audited = auditAlong(world, plan);
    const operator = new Operator(world, world.machine("operator"));
    removeAlong(world, operator, nemesis);
    const isDone = () => runners.every((runner) => runner.isDone);
    const untilMs = scheduler.nowMs + WORK_MS;
    if (!(await scheduler.runUntil(untilMs, isDone))) problems.add("clients never end their work");
    const lastFaultMs = plan.faults.at(-1)?.atMs ?? 0;
    await scheduler.runUntil(Math.max(scheduler.nowMs, lastFaultMs + 1_500));
    nemesis.end();
    await letGoOfTrash(world, runners, plan);
    await quieten(world, operator, plan);
    await finalReads(world, runners, plan);
    await checkQuiet(world);
    await checkDisks(world);
    audited.end();
    isUndecided = judge(world, history, plan);
  } finally {
    world.end();
  }
  for (const entry of options.onLine === undefined ? [] : history) {
    options.onLine?.(historyLine(entry, plan.values));
  }
  return {
    plan,
    problems: problems.found,
    history,
    traceHash: scheduler.trace.digest(),
    events: scheduler.fired,
    virtualMs: scheduler.nowMs,
    isUndecided,
  };
}

/** Compares records and nodes again and again. */
function auditAlong(world: World, plan: Plan): { end(): void } {
  const frailHosts = new Set<string>();
  for (const { action } of plan.faults) {
    const { kind } = action;
    const hides = kind === "failDisk" && !action.isWriteOnly;
    if (kind === "rot" || kind === "loseDisk" || hides) frailHosts.add(action.host);
  }
  let isOver = false;
  const next = () => {
    world.scheduler.after(AUDIT_MS, () => {
      if (isOver) return;
      void auditCopies(world, frailHosts);
      next();
    });
  };
  next();
  return {
    end: () => {
      isOver = true;
    },
  };
}

/** Nodes that are to leave, and are empty, leave while faults go on. */
function removeAlong(world: World, operator: Operator, nemesis: Nemesis): void {
  const next = () => {
    world.scheduler.after(REMOVE_MS, () => {
      if (nemesis.isOver) return;
      if (nemesis.leaving.size > 0) void operator.removeDrained(nemesis.leaving);
      next();
    });
  };
  next();
}

/** Whatever was removed is let go for good, so that nothing has to be waited for. */
async function letGoOfTrash(
  world: World,
  runners: readonly ClientRunner[],
  plan: Plan,
): Promise<void> {
  const runner = runners[0];
  if (plan.shape.trashMs === 0 || runner === undefined) return;
  runner.add([
    {
      id: FINAL_IDS - 1,
      client: runner.machine.host,
      pauseMs: 2_000,
      action: { kind: "emptyTrash", path: "/" },
    },
  ]);
  await world.scheduler.runUntil(world.scheduler.nowMs + FINAL_MS, () => runner.isDone);
}

/** Lets time pass until no work is left, with every copy read on the way. */
async function quieten(world: World, operator: Operator, plan: Plan): Promise<void> {
  const { scheduler } = world;
  const untilMs = scheduler.nowMs + QUIET_MS;
  // Who has nothing that rotted need not look for it.
  let isVerified = !plan.faults.some(({ action }) => action.kind === "rot");
  for (let stepMs = QUIET_STEP_MS; ; stepMs = Math.min(stepMs * 1.5, QUIET_STEP_MAX_MS)) {
    await scheduler.runUntil(scheduler.nowMs + stepMs);
    await operator.removeLostNodes();
    await operator.undrainAll();
    if (!isVerified && world.datanodes.size === world.nodes.length) {
      isVerified = plan.seed % 2 === 0 ? await operator.scrubAll() : await operator.verifyAll();
    }
    if (!isVerified) {
      if (scheduler.nowMs >= untilMs) {
        world.problems.add("never quiet: nodes do not let their copies be read");
        return;
      }
      continue;
    }
    const left = (await workLeft(world, operator)) ?? (await checkLeft(world, operator));
    if (left === undefined) return;
    if (scheduler.nowMs >= untilMs) {
      world.problems.add(`never quiet: ${left}`);
      return;
    }
  }
}

/** Has the cluster check itself and notes what it finds; why it could not be checked, if it could not. */
async function checkLeft(world: World, operator: Operator): Promise<string | undefined> {
  const findings = await operator.check();
  if (findings === undefined) return "the check of the cluster does not come to its end";
  const unchecked = findings.find((finding) => finding.startsWith("nodeUnchecked"));
  if (unchecked !== undefined) return unchecked;
  for (const finding of findings) world.problems.add(`the check finds ${finding}`);
  return undefined;
}

/** A client reads everything that is there, when all is well: what it sees is part of the history. */
async function finalReads(
  world: World,
  runners: readonly ClientRunner[],
  plan: Plan,
): Promise<void> {
  const runner = runners[0];
  if (runner === undefined) return;
  runner.restart();
  const paths = new Set<string>();
  for (const { action } of plan.operations) {
    paths.add(action.path);
    if ("to" in action) paths.add(action.to);
  }
  for (const path of [...paths]) {
    // What was in a directory may have moved with it.
    for (const [from, to] of [
      [`${DIR}/`, `${EXT}/`],
      [`${EXT}/`, `${DIR}/`],
    ] as const) {
      if (path.startsWith(from)) paths.add(to + path.slice(from.length));
    }
  }
  const folders = new Set<string>(FOLDERS);
  let id = FINAL_IDS;
  const read = (kind: "get" | "list", path: string): PlannedOperation => ({
    id: id++,
    client: runner.machine.host,
    pauseMs: 0,
    action: kind === "get" ? { kind, path, lingerMs: 0 } : { kind, path },
  });
  const reads = [read("list", "/"), ...[...folders].map((path) => read("list", path))];
  for (const path of [...paths].sort())
    if (!folders.has(path) && path !== "/") reads.push(read("get", path));
  runner.add(reads);
  const { scheduler } = world;
  if (!(await scheduler.runUntil(scheduler.nowMs + FINAL_MS, () => runner.isDone))) {
    world.problems.add("the final reads never end");
  }
}

/** Whether the history is too hard to judge; what is wrong with it is noted. */
function judge(world: World, history: readonly HistoryEntry[], plan: Plan): boolean {
  for (const entry of history) {
    if (entry.operation.id >= FINAL_IDS && entry.outcome.status === "unknown") {
      world.problems.add(`lost: ${historyLine(entry, plan.values)}`);
    }
    // Without faults nothing has an excuse.
    if (plan.faults.length === 0 && entry.outcome.status === "unknown") {
      world.problems.add(`fails without any fault: ${historyLine(entry, plan.values)}`);
    }
  }
  const rules = { values: plan.values, hasTrash: plan.shape.trashMs > 0 };
  const verdict = checkHistory(history, rules);
  if (verdict.kind === "impossible") {
    const stuck = verdict.stuck.map((entry) => historyLine(entry, plan.values));
    world.problems.add(
      `no order of the operations explains the history; stuck at:\n  ${stuck.join("\n  ")}`,
    );
  }
  return verdict.kind === "undecided";
}
