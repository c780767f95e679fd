import { test } from "vitest";
import { weatherStorm, whyNoStorm } from "../support/storm/storm.ts";

const whyNot = whyNoStorm();
if (whyNot !== undefined)
  console.warn(`skipped: the storm over a cluster on hosts of its own; ${whyNot}`);

test.skipIf(whyNot !== undefined)(
  "under kills, cuts in every direction, full disks and damaged files every history has an order, nothing acknowledged is lost, and all heals",
  { timeout: 240_000 },
  async () => {
    const seed = Number(process.env.SEED ?? Math.trunc(performance.timeOrigin % 1_000_000));
    console.info(`seed ${seed}: SEED=${seed} repeats the order of the harms`);
    await weatherStorm({ seed, seconds: Number(process.env.STORM_SECONDS ?? 20) });
  },
);
