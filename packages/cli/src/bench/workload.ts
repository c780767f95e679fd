import type { Clock } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import type { ContentMaker } from "./content.ts";
import type { Step } from "./step.ts";
import type { BenchTarget } from "./target.ts";

/** What is put on a target: steps that are run one after the other. */
export interface Workload {
  /** Makes the directories it works in. Runs once, before everything else. */
  open(signal: AbortSignal): Promise<void>;
  /** Does once what the steps do, and leaves nothing behind. Run as often as the warm-up lasts. */
  warmUp(call: WarmUpCall): Promise<void>;
  readonly steps: readonly Step[];
}

export interface WarmUpCall {
  /** Unlike that of every other call. */
  readonly at: number;
  readonly signal: AbortSignal;
}

/** The names of all workloads. */
export const WORKLOADS = ["put", "get", "large", "small", "meta", "list", "mixed", "soak"] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

/** What a workload is to do; the same for all processes that run it together, but for their number. */
export interface LoadSettings {
  readonly workload: WorkloadName;
  /** Of the objects, one round for each. */
  readonly sizesBytes: readonly number[];
  readonly parallel: number;
  /** How many objects; undefined for as many as fit in `durationMs`. */
  readonly count: number | undefined;
  /** Of each step that is not bound by a count. */
  readonly durationMs: number;
  /** Only what an overview needs. */
  readonly isBrief: boolean;
  /** Large objects are put from files that are made here; from a stream unless given. */
  readonly fileFolder: string | undefined;
  /** Of a soak. */
  readonly large: LargeSettings | undefined;
  /** Entries of a page. */
  readonly pageEntries: number;
  /** What is chosen at random is chosen the same again. */
  readonly seed: number;
  /** Which of the `clients` processes this is. */
  readonly client: number;
  readonly clients: number;
}

/** The large objects of a soak. */
export interface LargeSettings {
  readonly sizeBytes: number;
  readonly parallel: number;
  /** So much is put over the whole run, evenly; beyond that they are only read. */
  readonly putBytesMax: number;
}

/** What workloads are made of. */
export interface LoadParts {
  readonly clock: Clock;
  readonly target: BenchTarget;
  readonly content: ContentMaker;
  readonly random: Random;
  readonly settings: LoadSettings;
}

/** This client's share of `count`. */
export function shareOf(count: number, { client, clients }: LoadSettings): number {
  return Math.floor(count / clients) + (client < count % clients ? 1 : 0);
}

/** An order in which each of `count` comes once and then all again, that jumps about: at → which. */
export function shuffled(count: number, random: Random): (at: number) => number {
  if (count < 3) return (at) => at % Math.max(count, 1);
  const start = Math.floor(random.next() * count);
  // Far from its neighbours, and prime to the count: that is what makes it meet all.
  let stride = Math.max(1, Math.floor(count * (0.3 + random.next() * 0.4)));
  while (divisor(stride, count) !== 1) stride += 1;
  return (at) => (start + (at % count) * stride) % count;
}

function divisor(one: number, other: number): number {
  return other === 0 ? one : divisor(other, one % other);
}
