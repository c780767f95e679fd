import type { Clock, Timer } from "@cairnfs/base/clock";
import { clockSpan, counted, humanCount, humanDuration, humanRate, humanSize } from "./format.ts";
import { cut, width } from "./table.ts";

/** How far a transfer is. */
export interface ProgressState {
  readonly label: string;
  readonly doneBytes: number;
  /** Undefined while it is not known, as from a pipe. */
  readonly totalBytes: number | undefined;
  readonly doneFiles: number;
  readonly totalFiles: number;
  readonly elapsedMs: number;
  readonly bytesPerSecond: number;
}

/** Where progress is shown; a terminal. */
export interface ProgressScreen {
  readonly columns?: number;
  write(text: string): unknown;
}

const REFRESH_MS = 100;
/** How fast the shown rate follows the real one. */
const RATE_MEMORY_MS = 3_000;
const BAR_COLUMNS = 24;

/** One line that follows a transfer: bar, rate and time left. Without a screen it only counts. */
export class Progress {
  readonly #clock: Clock;
  readonly #screen: ProgressScreen | undefined;
  readonly #startedMs: number;
  #label = "";
  #doneBytes = 0;
  #totalBytes: number | undefined;
  #doneFiles = 0;
  #totalFiles = 0;
  #bytesPerSecond = 0;
  #measured = { atMs: 0, bytes: 0 };
  #refresh: Timer | undefined;
  #isShown = false;

  constructor(clock: Clock, screen: ProgressScreen | undefined) {
    this.#clock = clock;
    this.#screen = screen;
    this.#startedMs = clock.monotonicMs();
    this.#measured = { atMs: this.#startedMs, bytes: 0 };
  }

  /** Starts to draw, or goes on under another label; what is to be done is added to. Call `stop` in the end. */
  start(label: string, totalBytes: number | undefined, totalFiles = 1): void {
    this.#label = label;
    if (totalBytes !== undefined) this.#totalBytes = (this.#totalBytes ?? 0) + totalBytes;
    this.#totalFiles += totalFiles;
    if (this.#screen !== undefined && this.#refresh === undefined) this.#tick();
  }

  /** More was found to be done. */
  expect(bytes: number, files = 1): void {
    this.#totalBytes = (this.#totalBytes ?? 0) + bytes;
    this.#totalFiles += files;
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
  }

  fileDone(): void {
    this.#doneFiles += 1;
  }

  get doneBytes(): number {
    return this.#doneBytes;
  }

  /** Ends drawing and wipes the line. */
  stop(): void {
    this.#refresh?.cancel();
    this.#refresh = undefined;
    this.#wipe();
  }

  /** Wipes the line until it is drawn again: makes room for text that is not progress. */
  clear(): void {
    this.#wipe();
  }

  /** What was done, in one line: "3 files, 24 MiB in 0.3 s (80 MiB/s)". */
  summary(): string {
    const elapsedMs = this.#clock.monotonicMs() - this.#startedMs;
    const rate = humanRate(this.#doneBytes / Math.max(elapsedMs / 1000, 0.001));
    const amount = humanSize(this.#doneBytes);
    return `${counted(this.#doneFiles, "file")}, ${amount} in ${humanDuration(elapsedMs)} (${rate})`;
  }

  #tick(): void {
    this.#measure();
    // A terminal that does not know its width says 0.
    const columns = this.#screen?.columns || 80;
    this.#screen?.write(`\r\u001b[2K${progressLine(this.#state(), columns - 1)}`);
    this.#isShown = true;
    this.#refresh = this.#clock.after(REFRESH_MS, () => this.#tick());
  }

  #wipe(): void {
    if (this.#isShown) this.#screen?.write("\r\u001b[2K");
    this.#isShown = false;
  }

  /** A moving average: a stall shows within seconds, a hiccup does not. */
  #measure(): void {
    const atMs = this.#clock.monotonicMs();
    const spanMs = atMs - this.#measured.atMs;
    if (spanMs <= 0) return;
    const rate = ((this.#doneBytes - this.#measured.bytes) / spanMs) * 1000;
    const ageMs = atMs - this.#startedMs;
    const weight = Math.max(1 - Math.exp(-spanMs / RATE_MEMORY_MS), Math.min(1, spanMs / ageMs));
    this.#bytesPerSecond += (rate - this.#bytesPerSecond) * weight;
    this.#measured = { atMs, bytes: this.#doneBytes };
  }

  #state(): ProgressState {
    return {
      label: this.#label,
      doneBytes: this.#doneBytes,
      totalBytes: this.#totalBytes,
      doneFiles: this.#doneFiles,
      totalFiles: this.#totalFiles,
      elapsedMs: this.#clock.monotonicMs() - this.#startedMs,
      bytesPerSecond: this.#bytesPerSecond,
    };
  }
}

/** The line of a state, at most `columnsMax` wide: what is least needed goes first. */
export function progressLine(state: ProgressState, columnsMax: number): string {
  const { doneBytes, totalBytes } = state;
  const share = totalBytes === undefined ? undefined : shareOf(state, totalBytes);
  const amount =
    totalBytes === undefined
      ? humanSize(doneBytes)
      : `${humanSize(doneBytes)} of ${humanSize(totalBytes)}`;
  const files =
    state.totalFiles > 1
      ? `${humanCount(state.doneFiles)}/${humanCount(state.totalFiles)} files`
      : "";
  const facts = [
    share === undefined ? "" : `${Math.floor(share * 100)}%`.padStart(4),
    amount,
    humanRate(state.bytesPerSecond),
    timeText(state),
    files,
  ].filter((fact) => fact !== "");
  const bar = share === undefined ? "" : `${progressBar(share)} `;
  for (const shape of [
    () => `${cut(state.label, 28)}  ${bar}${facts.join("  ")}`,
    () => `${bar}${facts.join("  ")}`,
    () => facts.join("  "),
  ]) {
    const line = shape();
    if (width(line) <= columnsMax) return line;
  }
  return cut(facts.slice(0, 2).join("  "), columnsMax);
}

/** Never full before the end: the last bytes still have to be made durable. */
function shareOf(state: ProgressState, totalBytes: number): number {
  if (totalBytes === 0) return state.totalFiles === 0 ? 0 : state.doneFiles / state.totalFiles;
  return Math.min(state.doneBytes / totalBytes, 1);
}

function timeText(state: ProgressState): string {
  if (state.totalBytes === undefined) return clockSpan(state.elapsedMs / 1000);
  const leftBytes = Math.max(0, state.totalBytes - state.doneBytes);
  if (leftBytes === 0) return state.doneBytes === 0 ? "" : "finishing";
  if (state.elapsedMs < 1_000) return "";
  const leftSeconds = leftBytes / state.bytesPerSecond;
  return leftSeconds < 100 * 3600 ? `${clockSpan(leftSeconds)} left` : "stalled";
}

const EIGHTHS = " ▏▎▍▌▋▊▉";

/** A bar of fixed width that is filled to this share, 0 to 1. */
export function progressBar(share: number): string {
  const eighths = Math.floor(share * BAR_COLUMNS * 8);
  const full = Math.floor(eighths / 8);
  const part = full < BAR_COLUMNS ? EIGHTHS[eighths % 8] : "";
  return `│${"█".repeat(full)}${part}${" ".repeat(Math.max(0, BAR_COLUMNS - full - 1))}│`;
}
