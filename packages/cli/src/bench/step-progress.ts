import type { Clock, Timer } from "@cairnfs/base/clock";
import type { Context } from "../context.ts";
import { clockSpan, humanCount } from "../format.ts";
import type { Output } from "../output.ts";
import { type ProgressScreen, progressBar } from "../progress.ts";
import { cut } from "../table.ts";
import type { StepInfo } from "./load.ts";
import type { StepProgress } from "./step.ts";

const REFRESH_MS = 200;

/** One line that follows the step under way. Without a terminal it only holds the counters. */
export class StepScreen {
  readonly #clock: Clock;
  readonly #screen: ProgressScreen | undefined;
  #timer: Timer | undefined;

  constructor({ clock, stderr }: Context, output: Output) {
    this.#clock = clock;
    this.#screen = stderr.isTTY === true && !output.isJson ? stderr : undefined;
  }

  /** Shows a text until the next is shown or `stop` is called. */
  say(text: string): void {
    this.#timer?.cancel();
    this.#draw(text);
  }

  /** Follows a step; the counters are for who runs it. */
  follow(step: StepInfo, durationMs: number): StepProgress {
    this.#timer?.cancel();
    const progress: StepProgress = { operations: 0, expected: undefined, bytes: 0, errors: 0 };
    const startedMs = this.#clock.monotonicMs();
    const tick = () => {
      const elapsedMs = this.#clock.monotonicMs() - startedMs;
      this.#draw(stepLine(step, progress, { elapsedMs, durationMs }));
      this.#timer = this.#clock.after(REFRESH_MS, tick);
    };
    if (this.#screen !== undefined) tick();
    return progress;
  }

  /** Ends drawing and wipes the line. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#screen?.write("\r\u001b[2K");
  }

  #draw(text: string): void {
    const columns = this.#screen?.columns || 80;
    this.#screen?.write(`\r\u001b[2K${cut(text, columns - 1)}`);
  }
}

const NAME_COLUMNS = 12;

/** How a step is: bar, rate, time left, failures. */
export function stepLine(
  { name, sizeBytes }: Pick<StepInfo, "name" | "sizeBytes">,
  progress: StepProgress,
  time: { readonly elapsedMs: number; readonly durationMs: number },
): string {
  const seconds = Math.max(time.elapsedMs, 1) / 1000;
  const share = Math.min(1, shareDone(progress, sizeBytes, time));
  const rates = [
    ...(progress.bytes > 0 ? [`${(progress.bytes / 1e6 / seconds).toFixed(1)} MB/s`] : []),
    `${humanCount(Math.round(progress.operations / seconds))} ops/s`,
  ];
  const leftSeconds = share > 0.02 ? (seconds / share) * (1 - share) : undefined;
  return [
    name.padEnd(NAME_COLUMNS),
    progressBar(share),
    `${Math.floor(share * 100)}%`.padStart(4),
    ...rates,
    ...(leftSeconds === undefined ? [] : [`${clockSpan(leftSeconds)} left`]),
    ...(progress.errors > 0 ? [`${humanCount(progress.errors)} errors`] : []),
  ].join("  ");
}

function shareDone(
  { expected, operations, bytes }: StepProgress,
  sizeBytes: number | undefined,
  { elapsedMs, durationMs }: { readonly elapsedMs: number; readonly durationMs: number },
): number {
  if (expected === undefined) return durationMs === 0 ? 0 : elapsedMs / durationMs;
  if (expected === 0) return 1;
  const byBytes = sizeBytes === undefined ? 0 : bytes / (expected * sizeBytes);
  return Math.max(operations / expected, byBytes);
}
