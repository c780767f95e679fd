import { runSeed } from "../run-seeds.ts";
import type { SeedResult } from "../seed-messages.ts";
import { runSeedPool } from "../seed-pool.ts";
import { MUTATIONS, type Mutation } from "./table.ts";

export interface MutationOptions {
  readonly jobs: number;
  readonly from: number;
  /** A mutation that so many seeds do not catch is not caught. */
  readonly seedsMax: number;
  /** Only these. */
  readonly names: readonly string[];
  readonly profile: string | undefined;
  /** Seeds that fail without any mutation: they say nothing. */
  readonly knownBad: readonly number[];
  readonly onCaught: (result: MutationResult) => void;
}

export interface MutationResult {
  readonly mutation: Mutation;
  /** How many seeds were run, the one that caught it included; undefined when none did. */
  readonly seeds: number | undefined;
  readonly caughtBy: SeedResult | undefined;
}

/** Runs seeds against each mutation until one fails that does not fail without it. */
export async function runMutations(options: MutationOptions): Promise<readonly MutationResult[]> {
  const { names } = options;
  const results: MutationResult[] = [];
  for (const mutation of MUTATIONS) {
    if (names.length > 0 && !names.includes(mutation.name)) continue;
    let result = await runMutation(mutation, options);
    const knownBad = [...options.knownBad];
    while (result.caughtBy !== undefined && (await failsAnyway(result.caughtBy))) {
      knownBad.push(result.caughtBy.seed);
      result = await runMutation(mutation, { ...options, knownBad });
    }
    results.push(result);
    options.onCaught(result);
  }
  return results;
}

/** Whether the seed fails with the code as it is. */
async function failsAnyway({ seed, profile }: SeedResult): Promise<boolean> {
  return (await runSeed(seed, profile)).problems.length > 0;
}

async function runMutation(mutation: Mutation, options: MutationOptions): Promise<MutationResult> {
  const { jobs, from, seedsMax, profile } = options;
  let next = 0;
  let first: SeedResult | undefined;
  const known = new Set(options.knownBad);
  await runSeedPool({
    jobs,
    profile,
    execArgv: ["--import", new URL("./register.js", import.meta.url).href],
    env: { CAIRN_SIMULATOR_MUTATION: mutation.name },
    next: () => (first === undefined && next < seedsMax ? from + next++ : undefined),
    onResult: (result) => {
      // Others may still be at earlier seeds.
      if (known.has(result.seed)) return;
      if (result.problems.length > 0 && result.seed < (first?.seed ?? Number.POSITIVE_INFINITY)) {
        first = result;
      }
    },
  });
  const seeds = first === undefined ? undefined : first.seed - from + 1;
  return { mutation, seeds, caughtBy: first };
}
