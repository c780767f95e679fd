import { Prng } from "@cairnfs/base/random";
import { silentLogger } from "@cairnfs/base/telemetry";
import { runWorker } from "@cairnfs/base/worker";
import { expect, test } from "vitest";
import { stateOf } from "./node-table.ts";
import { SilenceWorker } from "./silence-worker.ts";
import { TestManager } from "./testing/manager.ts";

const limits = { suspectAfterMs: 10_000, deadAfterMs: 60_000 };

test("silent nodes are found in time, and a standstill of the process makes no node suspect", async () => {
  const cluster = await TestManager.open();
  await cluster.join(1);
  const worker = new SilenceWorker(cluster.manager, cluster.clock, limits);
  const state = () => stateOf([...cluster.manager.table.rows()][0] ?? never());

  await worker.step();
  await cluster.clock.advance(500_000);
  await worker.step();
  expect(state()).toBe("healthy");

  cluster.beat(1, 1);
  const stop = new AbortController();
  const parts = { clock: cluster.clock, random: new Prng(1), logger: silentLogger };
  const running = runWorker(worker, parts, stop.signal);
  await cluster.clock.advance(12_000);
  expect(state()).toBe("suspect");
  await cluster.clock.advance(50_000);
  expect(state()).toBe("dead");
  stop.abort();
  await cluster.clock.advance(0);
  await running;
});

function never(): never {
  throw new Error("the table has no row");
}
