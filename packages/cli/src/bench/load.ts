import type { Clock } from "@cairnfs/base/clock";
import { Prng, SystemRandom } from "@cairnfs/base/random";
import { ContentMaker } from "./content.ts";
import { makeWorkload } from "./make-workload.ts";
import type { WatchedProcess } from "./process-meter.ts";
import { runStep, type Step, type StepOutcome, type StepProgress } from "./step.ts";
import type { BenchTarget } from "./target.ts";
import type { LoadSettings, Workload } from "./workload.ts";

/** What is known of a step before it runs. */
export type StepInfo = Pick<Step, "name" | "isMeasured" | "per" | "sizeBytes" | "parallel">;

/** A workload, driven from this process or from several. */
export interface Load {
  /** Known once it is open. */
  readonly steps: readonly StepInfo[];
  /** Processes beside this one that drive it. */
  readonly drivers: readonly WatchedProcess[];
  /** Makes the directories it works in. */
  open(): Promise<void>;
  warmUp(durationMs: number): Promise<void>;
  /** Runs the step at this place; they are run once each, in order. */
  run(at: number, progress: StepProgress): Promise<readonly StepOutcome[]>;
}

const AFTER_FAILURE_MS = 20;

/** Drives a workload from this process. */
export class LocalLoad implements Load {
  readonly drivers = [];
  readonly #workload: Workload;
  readonly #settings: LoadSettings;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;

  constructor(
    target: BenchTarget,
    settings: LoadSettings,
    parts: { readonly clock: Clock; readonly signal: AbortSignal },
  ) {
    // What is chosen is chosen by the seed; what is stored must be new to the cluster.
    const random = new Prng(settings.seed + settings.client);
    const content = new ContentMaker(new SystemRandom(), { fileFolder: settings.fileFolder });
    this.#workload = makeWorkload({ clock: parts.clock, target, content, random, settings });
    this.#settings = settings;
    this.#clock = parts.clock;
    this.#signal = parts.signal;
  }

  get steps(): readonly StepInfo[] {
    return this.#workload.steps.map(({ name, isMeasured, per, sizeBytes, parallel }) => ({
      name,
      isMeasured,
      per,
      ...(sizeBytes !== undefined && { sizeBytes }),
      parallel,
    }));
  }

  open(): Promise<void> {
    return this.#workload.open(this.#signal);
  }

  async warmUp(durationMs: number): Promise<void> {
    const signal = this.#signal;
    const endMs = this.#clock.monotonicMs() + durationMs;
    let next = 0;
    const work = async () => {
      while (this.#clock.monotonicMs() < endMs) {
        signal.throwIfAborted();
        const at = next;
        next += 1;
        try {
          await this.#workload.warmUp({ at, signal });
        } catch {
          // What fails here fails again where it is counted.
          signal.throwIfAborted();
          await this.#clock.sleep(AFTER_FAILURE_MS, signal);
        }
      }
    };
    await Promise.all(Array.from({ length: this.#settings.parallel }, work));
  }

  async run(at: number, progress: StepProgress): Promise<readonly [StepOutcome]> {
    const step = this.#workload.steps[at];
    if (step === undefined) throw new RangeError(`there is no step ${at}`);
    const outcome = await runStep(step, {
      clock: this.#clock,
      signal: this.#signal,
      durationMs: this.#settings.durationMs,
      progress,
    });
    return [outcome];
  }
}
