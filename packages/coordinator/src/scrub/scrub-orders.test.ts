import { create } from "@bufbuild/protobuf";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { ScrubReportSchema } from "@cairnfs/protocol/gen/cairn/v1/scrub_pb";
import { expect, test } from "vitest";
import { TestManager } from "../nodes/testing/manager.ts";
import { ScrubBoard } from "./scrub-board.ts";
import { ScrubOrders } from "./scrub-orders.ts";

const { signal } = new AbortController();

async function board() {
  const cluster = await TestManager.open();
  for (const number of [1, 2, 3]) await cluster.join(number);
  const { kv, clock, manager } = cluster;
  const orders = await ScrubOrders.open(kv, clock);
  return {
    kv,
    clock,
    manager,
    orders,
    board: new ScrubBoard({ orders, table: manager.table, clock }),
  };
}

function report(fields: Record<string, unknown> = {}) {
  return create(ScrubReportSchema, { periodMs: 1000n, ...fields });
}

test("a request is kept in the store, and a later one is later also by a clock that was set back", async () => {
  const kv = new MemoryKv();
  const first = await ScrubOrders.open(kv, new SimClock(5000));
  expect(first.of(7)).toBe(0);
  expect(await first.ask([7], signal)).toBe(5000);
  const back = await ScrubOrders.open(kv, new SimClock(1000));
  expect([back.of(7), back.of(8)]).toEqual([5000, 0]);
  expect(await back.ask([], signal)).toBe(5001);
  expect([back.of(7), back.of(8)]).toEqual([5001, 5001]);
  expect(await back.ask([8], signal)).toBe(5002);
  const after = await ScrubOrders.open(kv, new SimClock(1000));
  expect([after.of(7), after.of(8)]).toEqual([5001, 5002]);
});

test("of two requests at once neither is lost", async () => {
  const { orders, kv, clock } = await board();
  const times = await Promise.all([orders.ask([1], signal), orders.ask([2], signal)]);
  expect(new Set(times).size).toBe(2);
  expect([orders.of(1), orders.of(2)].sort()).toEqual(times.sort());
  const again = await ScrubOrders.open(kv, clock);
  expect([again.of(1), again.of(2)]).toEqual([orders.of(1), orders.of(2)]);
});

test("a node is asked for its report once, and told of a request until it says that it has heard", async () => {
  const { board: scrubs, orders } = await board();
  expect(scrubs.hear(1, undefined)).toEqual({ wantsScrubReport: true, scrubRequestedMs: 0n });
  expect(scrubs.hear(1, report())).toBeUndefined();
  expect(scrubs.hear(1, undefined)).toBeUndefined();

  const requestedMs = BigInt(await orders.ask([1], signal));
  const told = { wantsScrubReport: false, scrubRequestedMs: requestedMs };
  expect(scrubs.hear(1, undefined)).toEqual(told);
  expect(scrubs.hear(1, undefined)).toEqual(told);
  expect(scrubs.hear(2, report())).toBeUndefined();
  expect(scrubs.hear(1, report({ requestedMs }))).toBeUndefined();
  expect(scrubs.hear(1, undefined)).toBeUndefined();
});

test("what nodes say adds up, and those that are silent are counted as such", async () => {
  const { board: scrubs, manager } = await board();
  expect(scrubs.sums()).toMatchObject({ silentNodes: 3, overdueBytes: 0, oldestVerifiedMs: 0 });
  const pass = { passStartedMs: 5n };
  scrubs.hear(1, report({ overdueChunks: 2n, overdueBytes: 10n, oldestVerifiedMs: 300n, ...pass }));
  scrubs.hear(
    2,
    report({ overdueBytes: 5n, oldestVerifiedMs: 200n, badCopies: 3n, isTooSlow: true }),
  );
  scrubs.hear(3, report({ quarantinedCopies: 1n, quarantinedBytes: 9n, ...pass, passEndedMs: 6n }));
  expect(scrubs.sums()).toEqual({
    silentNodes: 0,
    overdueChunks: 2,
    overdueBytes: 15,
    oldestVerifiedMs: 200,
    badCopies: 3,
    quarantinedCopies: 1,
    quarantinedBytes: 9,
    scrubbingNodes: 1,
    slowNodes: 1,
  });
  expect(manager.table.size).toBe(3);
});

test("a report has no more bad copies than a node keeps, in memory of its own", async () => {
  const { board: scrubs } = await board();
  const wire = new Uint8Array(32).fill(1);
  const latestBadCopies = Array.from({ length: 100 }, (_, at) => ({
    chunkId: wire,
    foundMs: BigInt(at),
  }));
  scrubs.hear(1, report({ latestBadCopies }));
  wire.fill(2);
  const kept = scrubs.of(1)?.report.latestBadCopies ?? [];
  expect(kept.map(({ foundMs }) => Number(foundMs))).toEqual([92, 93, 94, 95, 96, 97, 98, 99]);
  expect(kept[0]?.chunkId[0]).toBe(1);
});
