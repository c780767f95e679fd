import { humanSize } from "../../format.ts";
import { KindFailure, type Step, type StepCall } from "../step.ts";
import type { Work } from "../tally.ts";
import type { LargeSettings, LoadParts, Workload } from "../workload.ts";
import { mixedWorkload } from "./mixed.ts";
import { Objects, putObject } from "./objects.ts";

/** At most so many large objects are there at a time, for each that is under way. */
const KEPT_OBJECTS = 3;

const NO_LARGE: LargeSettings = { sizeBytes: 0, parallel: 0, putBytesMax: 0 };

/** The mixed load, and with it large objects that are put, read and removed, for as long as the run lasts. */
export function soakWorkload(parts: LoadParts): Workload {
  const { target, settings } = parts;
  const { large = NO_LARGE } = settings;
  const mixed = mixedWorkload(parts);
  const [prepare, small] = mixed.steps;
  const folder = `soak-large-${settings.client}`;
  const objects = new Objects(parts, folder, large.sizeBytes);
  const rounds = new LargeRounds(parts, objects, large);
  const step: Step = {
    name: "soak",
    isMeasured: true,
    per: "operations",
    parallel: settings.parallel + large.parallel,
    operations: () => undefined,
    operate: (call) => (call.worker < large.parallel ? rounds.operate(call) : operateSmall(call)),
  };
  return {
    open: async (signal) => {
      await mixed.open(signal);
      await target.ensureDirectory(folder, signal);
    },
    warmUp: async (call) => {
      await mixed.warmUp(call);
      if (call.at >= large.parallel) return;
      const path = `${folder}/warm-up-${call.at}`;
      await putObject(parts, path, large.sizeBytes, call.signal);
      await target.get(path, call.signal);
      await target.remove(path, call.signal);
    },
    steps: prepare === undefined ? [step] : [prepare, step],
  };

  async function operateSmall(call: StepCall): Promise<Work> {
    return small === undefined ? {} : small.operate(call);
  }
}

/** What each worker has of large objects, and what it does next. */
class LargeRounds {
  readonly #parts: LoadParts;
  readonly #objects: Objects;
  readonly #large: LargeSettings;
  readonly #kept = new Map<number, number[]>();
  #startedMs: number | undefined;
  #putBytes = 0;
  #next = 0;
  #reads = 0;

  constructor(parts: LoadParts, objects: Objects, large: LargeSettings) {
    this.#parts = parts;
    this.#objects = objects;
    this.#large = large;
  }

  /** Puts when the budget allows, reads else; what is one too many goes first. */
  async operate(call: StepCall): Promise<Work> {
    const kept = this.#kept.get(call.worker) ?? [];
    this.#kept.set(call.worker, kept);
    const size = humanSize(this.#large.sizeBytes);
    if (kept.length === 0 || this.#mayPut()) {
      return this.#named(`put ${size}`, () => this.#put(kept, call));
    }
    const at = kept[this.#reads++ % kept.length] ?? 0;
    return this.#named(`get ${size}`, () => this.#objects.get(at, call));
  }

  async #put(kept: number[], call: StepCall): Promise<Work> {
    this.#putBytes += this.#large.sizeBytes;
    if (kept.length >= KEPT_OBJECTS) {
      const oldest = kept.shift();
      if (oldest !== undefined) {
        await this.#parts.target.remove(this.#objects.path(oldest), call.signal);
      }
    }
    const at = this.#next++;
    const done = await this.#objects.put({ ...call, at });
    kept.push(at);
    return done;
  }

  async #named(kind: string, operate: () => Promise<Work>): Promise<Work> {
    try {
      return { kind, ...(await operate()) };
    } catch (error) {
      throw new KindFailure(kind, error);
    }
  }

  #mayPut(): boolean {
    const { putBytesMax, sizeBytes } = this.#large;
    const nowMs = this.#parts.clock.monotonicMs();
    this.#startedMs ??= nowMs;
    const share = (nowMs - this.#startedMs) / Math.max(1, this.#parts.settings.durationMs);
    return this.#putBytes + sizeBytes <= putBytesMax * Math.min(1, share);
  }
}
