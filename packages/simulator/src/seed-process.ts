/** A process that runs the seeds it is told to, until its parent leaves. */
import { runSeed } from "./run-seeds.ts";
import type { SeedOrder } from "./seed-messages.ts";

process.on("message", (order: SeedOrder) => {
  void (async () => {
    for (const seed of order.seeds) process.send?.(await runSeed(seed, order.profile));
    process.send?.("more");
  })();
});
process.on("disconnect", () => process.exit(0));
process.send?.("more");
