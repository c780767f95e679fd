import { expect, test } from "vitest";
import { INCARNATION_MAX, UpdateLog } from "./update-log.ts";

const all = Number.POSITIVE_INFINITY;

function logOf(...nodeNumbers: number[]): { log: UpdateLog; start: number } {
  const log = new UpdateLog({ incarnation: 3, capacity: 4 });
  const start = log.version;
  for (const nodeNumber of nodeNumbers) log.record(nodeNumber);
  return { log, start };
}

test("each update makes the next version, and a node that changed twice is named once", () => {
  const { log, start } = logOf(7, 8, 7);
  expect(log.version).toBe(start + 3);
  expect(log.since(start, all)).toEqual({ version: start + 3, nodeNumbers: [7, 8] });
  expect(log.since(start + 1, all)).toEqual({ version: start + 3, nodeNumbers: [8, 7] });
  expect(log.since(start + 3, all)).toEqual({ version: start + 3, nodeNumbers: [] });
});

test("the history reaches as far as its capacity and not one further", () => {
  const { log, start } = logOf(1, 2, 3, 4, 5);
  expect(log.since(start + 1, all)).toEqual({ version: start + 5, nodeNumbers: [2, 3, 4, 5] });
  expect(log.since(start, all)).toBe("resync");
});

test("a version from the future, from another life or from nowhere asks for a resync", () => {
  const { log, start } = logOf(1);
  expect(log.since(start + 2, all)).toBe("resync");
  expect(log.since(start - 1, all)).toBe("resync");
  expect(log.since(0, all)).toBe("resync");
  expect(log.since(2 ** 33 + 1, all)).toBe("resync");
  expect(log.since(Number.NaN, all)).toBe("resync");
});

test("a bounded answer ends on the way, and asking on from there gives the rest", () => {
  const { log, start } = logOf(1, 1, 2, 3);
  expect(log.since(start, 1)).toEqual({ version: start + 2, nodeNumbers: [1] });
  expect(log.since(start + 2, 1)).toEqual({ version: start + 3, nodeNumbers: [2] });
  expect(log.since(start, 2)).toEqual({ version: start + 3, nodeNumbers: [1, 2] });
});

test("a later life starts above every version of an earlier one", () => {
  const { log } = logOf(1, 2, 3);
  const later = new UpdateLog({ incarnation: 4, capacity: 4 });
  expect(later.version).toBeGreaterThan(log.version + 2 ** 31);
  expect(Number.isSafeInteger((INCARNATION_MAX + 1) * 2 ** 32 - 1)).toBe(true);
  expect(() => new UpdateLog({ incarnation: INCARNATION_MAX + 1, capacity: 4 })).toThrow();
  expect(() => new UpdateLog({ incarnation: 0, capacity: 4 })).toThrow();
});
