import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { test } from "vitest";
import { killEverythingOften } from "../support/kill-loop.ts";

test("every process is killed at random moments, forty times; every acknowledged file reads back", async () => {
  const seed = Number(process.env.SEED ?? Math.trunc(performance.timeOrigin % 1_000_000));
  console.info(`seed ${seed}: SEED=${seed} repeats the sizes and the moments`);
  await using cluster = await ProcessCluster.start({ name: "everything-killed-long" });
  await killEverythingOften(cluster, { seed, rounds: 40 });
});
