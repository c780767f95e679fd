import type { Clock } from "@cairnfs/base/clock";
import { showFailure } from "../failure.ts";
import { Tally, type TallyData, type Work } from "./tally.ts";

/** One phase of a workload: operations of which so many run at a time. */
export interface Step {
  readonly name: string;
  /** False for what only makes ready: it is neither measured nor told. */
  readonly isMeasured: boolean;
  /** What CPU is told for: a GB where content moves, a million names of a listing, 1,000 operations elsewhere. */
  readonly per: "GB" | "names" | "operations";
  /** Of an object, where the step moves any. */
  readonly sizeBytes?: number;
  readonly parallel: number;
  /** How many operations there are; undefined for as many as fit in the run's duration. Asked when the step begins. */
  operations(): number | undefined;
  operate(call: StepCall): Promise<Work>;
}

/** One operation of a step. */
export interface StepCall {
  /** Which one it is: counted from 0 over all workers. */
  readonly at: number;
  /** Which of the `parallel` workers does it. */
  readonly worker: number;
  readonly signal: AbortSignal;
  /** Told of bytes as they move. */
  took(bytes: number): void;
}

/** What a step came to, as it travels between processes. */
export interface StepOutcome {
  /** Milliseconds since the Unix epoch. */
  readonly startedMs: number;
  readonly endedMs: number;
  readonly tallies: readonly TallyData[];
}

/** How far a step is. */
export interface StepProgress {
  operations: number;
  /** How many there will be; undefined while the time decides. */
  expected: number | undefined;
  bytes: number;
  errors: number;
}

export interface StepRun {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly durationMs: number;
  readonly progress: StepProgress;
}

/** After a failure a worker waits: a target that is away is not run against at full speed. */
const AFTER_FAILURE_MS = 20;

/** Runs the operations of a step. One that fails is counted and ends nothing; rejects only when the run's signal fires. */
export async function runStep(step: Step, run: StepRun): Promise<StepOutcome> {
  const { clock, signal, progress } = run;
  const tallies = new Map<string, Tally>();
  const operations = step.operations();
  progress.expected = operations;
  const startedMs = clock.now();
  const beginMs = clock.monotonicMs();
  const isOver = (at: number) =>
    operations === undefined ? clock.monotonicMs() - beginMs >= run.durationMs : at >= operations;
  const took = (bytes: number) => {
    progress.bytes += bytes;
  };
  let next = 0;
  const work = async (worker: number) => {
    while (!isOver(next)) {
      signal.throwIfAborted();
      const at = next;
      next += 1;
      const callMs = clock.monotonicMs();
      try {
        const done = await step.operate({ at, worker, signal, took });
        tallyOf(tallies, done.kind).done(clock.monotonicMs() - callMs, done);
        progress.operations += 1;
      } catch (error) {
        signal.throwIfAborted();
        const { kind, cause } = asFailure(error);
        tallyOf(tallies, kind).failed(showFailure(cause).message);
        progress.errors += 1;
        await clock.sleep(AFTER_FAILURE_MS, signal);
      }
    }
  };
  await Promise.all(Array.from({ length: step.parallel }, (_, worker) => work(worker)));
  return {
    startedMs,
    endedMs: startedMs + clock.monotonicMs() - beginMs,
    tallies: [...tallies.values()].map((tally) => tally.data()),
  };
}

/** A failure of an operation in a step that has several kinds: says which one it was. */
export class KindFailure extends Error {
  override readonly name = "KindFailure";
  readonly kind: string;

  constructor(kind: string, cause: unknown) {
    super(`a ${kind} failed`, { cause });
    this.kind = kind;
  }
}

function asFailure(error: unknown): { readonly kind: string | undefined; readonly cause: unknown } {
  if (error instanceof KindFailure) return { kind: error.kind, cause: error.cause };
  return { kind: undefined, cause: error };
}

function tallyOf(tallies: Map<string, Tally>, kind = ""): Tally {
  const found = tallies.get(kind);
  if (found !== undefined) return found;
  const tally = new Tally(kind);
  tallies.set(kind, tally);
  return tally;
}
