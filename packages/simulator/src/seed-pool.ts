import { type ChildProcess, fork } from "node:child_process";
import type { SeedOrder, SeedResult } from "./seed-messages.ts";

/** How many seeds a process is given at once. */
const BATCH = 2;

export interface SeedPoolOptions {
  readonly jobs: number;
  readonly profile: string | undefined;
  /** The next seed; undefined when there are no more. */
  readonly next: () => number | undefined;
  readonly onResult: (result: SeedResult) => void;
  /** What Node is started with, before the file. */
  readonly execArgv?: readonly string[];
  /** What its environment has besides ours. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs seeds in so many processes; resolves when there are no more. */
export async function runSeedPool(options: SeedPoolOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.jobs }, () => runProcess(options)));
}

function runProcess({
  profile,
  next,
  onResult,
  execArgv = [],
  env = {},
}: SeedPoolOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = fork(new URL("./seed-process.js", import.meta.url), {
      execArgv: [...process.execArgv, ...execArgv],
      env: { ...process.env, ...env },
    });
    let left: number[] = [];
    child.on("message", (message: SeedResult | "more") => {
      if (message !== "more") {
        left = left.filter((seed) => seed !== message.seed);
        onResult(message);
        return;
      }
      const seeds: number[] = [];
      while (seeds.length < BATCH) {
        const seed = next();
        if (seed === undefined) break;
        seeds.push(seed);
      }
      left = seeds;
      if (seeds.length === 0) child.disconnect();
      else child.send({ seeds, profile } satisfies SeedOrder);
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a process ended with ${code} at one of the seeds ${left.join(", ")}`));
    });
  });
}
