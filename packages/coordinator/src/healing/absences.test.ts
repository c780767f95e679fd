import { expect, test } from "vitest";
import { TestManager } from "../nodes/testing/manager.ts";
import { Absences } from "./absences.ts";

test("a node that dies, comes back or is removed changes what counts; one that joins or is late does not", async () => {
  const cluster = await TestManager.open();
  const { manager, clock } = cluster;
  const absences = new Absences(manager.table, clock, new Map());
  const changes: number[] = [];
  manager.onStateChange((nodeNumber) => {
    if (absences.note(nodeNumber)) changes.push(nodeNumber);
  });
  await cluster.join(1);
  await cluster.join(2);
  await cluster.silence(10_000);
  cluster.beat(1, 1);
  expect(changes).toEqual([]);
  await cluster.silence(55_000);
  const deadAtMs = clock.now();
  expect(changes).toEqual([2]);
  expect(absences.sinceMs(2)).toBe(deadAtMs);
  expect([...absences.dead()]).toEqual([[2, deadAtMs]]);
  cluster.beat(2, 2);
  expect(changes).toEqual([2, 2]);
  expect(absences.sinceMs(2)).toBeUndefined();
  await cluster.silence(60_000);
  await manager.remove(2, {}, new AbortController().signal);
  expect(changes.filter((nodeNumber) => nodeNumber === 2)).toHaveLength(4);
  expect(absences.dead().has(2)).toBe(false);
});

test("after a restart nodes that were dead are dead still, since when they were, until they are heard", async () => {
  const first = await TestManager.open();
  await first.join(1);
  await first.join(2);
  const { kv, clock } = first;
  const again = await TestManager.open({ kv, clock, deadNumbers: new Set([2]) });
  expect(again.manager.table.get(1)?.liveness).toBe("suspect");
  expect(again.manager.table.get(2)?.liveness).toBe("dead");
  const absences = new Absences(again.manager.table, clock, new Map([[2, 77]]));
  expect([...absences.dead()]).toEqual([[2, 77]]);
  again.beat(2, 2);
  expect(again.manager.table.get(2)?.liveness).toBe("alive");
  expect(absences.note(2)).toBe(true);
});
