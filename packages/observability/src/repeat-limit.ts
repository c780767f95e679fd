import type { Clock, Timer } from "@cairnfs/base/clock";

export interface RepeatLimits {
  /** This many lines with one text pass in each window; the rest are counted. */
  readonly burst: number;
  readonly windowMs: number;
  /** Texts that are told apart in one window. Beyond that everything passes. */
  readonly textsMax: number;
}

export const REPEAT_LIMITS: RepeatLimits = { burst: 20, windowMs: 10_000, textsMax: 1_000 };

interface Seen {
  count: number;
}

/** Lets the first lines of a text pass in each window of time and reports at its end how many were held back. */
export class RepeatLimit {
  readonly #clock: Clock;
  readonly #limits: RepeatLimits;
  readonly #report: (text: string, suppressed: number) => void;
  readonly #seen = new Map<string, Seen>();
  #window: Timer | undefined;

  constructor(
    clock: Clock,
    report: (text: string, suppressed: number) => void,
    limits: RepeatLimits = REPEAT_LIMITS,
  ) {
    this.#clock = clock;
    this.#report = report;
    this.#limits = limits;
  }

  /** Whether a line with this text may be written now. */
  admits(text: string): boolean {
    const seen = this.#seen.get(text);
    if (seen !== undefined) {
      seen.count += 1;
      return seen.count <= this.#limits.burst;
    }
    if (this.#seen.size < this.#limits.textsMax) {
      this.#seen.set(text, { count: 1 });
      this.#window ??= this.#clock.after(this.#limits.windowMs, () => this.flush());
    }
    return true;
  }

  /** Ends the window: reports what was held back and starts anew. */
  flush(): void {
    this.#window?.cancel();
    this.#window = undefined;
    const ended = [...this.#seen];
    this.#seen.clear();
    for (const [text, { count }] of ended) {
      if (count > this.#limits.burst) this.#report(text, count - this.#limits.burst);
    }
  }
}
