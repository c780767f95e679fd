import { test } from "vitest";
import { weatherStorm, whyNoStorm } from "../support/storm/storm.ts";

const whyNot = whyNoStorm();
if (whyNot !== undefined) console.warn(`skipped: the long storm; ${whyNot}`);

test.skipIf(whyNot !== undefined)("ten minutes of the same storm", async () => {
  const seed = Number(process.env.SEED ?? Math.trunc(performance.timeOrigin % 1_000_000));
  console.info(`seed ${seed}: SEED=${seed} repeats the order of the harms`);
  await weatherStorm({ seed, seconds: 600 });
});
