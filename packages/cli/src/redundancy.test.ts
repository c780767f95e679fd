import type { ClusterState } from "@cairnfs/client/cluster-state";
import type { Redundancy } from "@cairnfs/client/redundancy";
import { expect, test } from "vitest";
import { redundancyRows, redundancyTroubles } from "./redundancy.ts";

const view = { nowMs: 100_000, size: (sizeBytes: number) => `${sizeBytes} B` };

const HEALED: Redundancy = {
  chunkCount: 10,
  uniqueBytes: 100,
  debt: [0, 1, 2, 3].map((liveCopies) => ({ liveCopies, chunks: 0, bytes: 0 })),
  debtChunks: 0,
  debtBytes: 0,
  missingBytes: 0,
  isExact: true,
  sinceMs: 90_000,
  countedShare: 1,
  repair: {
    isOff: false,
    runningChunks: 0,
    waitingChunks: 0,
    waitingBytes: 0,
    waitingUntilMs: undefined,
    stuckChunks: 0,
    setBackChunks: 0,
    copiedBytes: 0,
    bytesPerSecond: 0,
    budgetBytesPerSecond: undefined,
    estimatedEndMs: undefined,
  },
  misplaced: undefined,
  verification: undefined,
};

function stateWith(nodes: readonly { readonly state: string; readonly chunkCount: number }[]) {
  // The rows are made of these fields alone.
  return { nodes: nodes.map((node) => ({ ...node, usedBytes: 100 })) } as unknown as ClusterState;
}

const ALL_HEALTHY = stateWith([{ state: "healthy", chunkCount: 5 }]);

test("that every chunk has its copies is said only when that was counted since the nodes changed", () => {
  expect(redundancyRows(ALL_HEALTHY, HEALED, view)).toEqual([
    ["redundancy", "every chunk has its wanted copies"],
  ]);
  expect(redundancyTroubles(HEALED)).toEqual([]);
  const counting = { ...HEALED, isExact: false, countedShare: 0.374 };
  expect(redundancyRows(ALL_HEALTHY, counting, view)).toEqual([
    ["redundancy", "being counted for 10 s, 37 % done"],
  ]);
  expect(redundancyTroubles(counting)).toHaveLength(1);
});

test("what lacks copies is shown by the copies that are left, and what repair does about it", () => {
  const debt = [
    { liveCopies: 0, chunks: 0, bytes: 0 },
    { liveCopies: 1, chunks: 2, bytes: 20 },
    { liveCopies: 2, chunks: 1, bytes: 7 },
    { liveCopies: 3, chunks: 0, bytes: 0 },
  ];
  const repair = {
    ...HEALED.repair,
    runningChunks: 2,
    bytesPerSecond: 2048,
    estimatedEndMs: 165_000,
    waitingChunks: 1,
    waitingBytes: 7,
    waitingUntilMs: 350_000,
  };
  const owing = { ...HEALED, debt, debtChunks: 3, debtBytes: 27, missingBytes: 47, repair };
  expect(redundancyRows(ALL_HEALTHY, owing, view)).toEqual([
    ["redundancy", "47 B to be copied for 3 chunks: 2 with 1 copy (20 B), 1 with 2 copies (7 B)"],
    ["repair", "copying 2 chunks now, 2.0 KiB/s, done in about 1:05"],
    ["", "7 B for 1 chunk waits 4:10 more for dead nodes to come back"],
  ]);
  expect(redundancyTroubles(owing)).toEqual([
    "2 chunks with one copy left where more are wanted",
    "3 chunks with fewer copies than wanted",
  ]);
});

test("copies on suspect nodes count, and it is said that nobody can reach them", () => {
  const state = stateWith([
    { state: "suspect", chunkCount: 7 },
    { state: "dead", chunkCount: 9 },
    { state: "suspect", chunkCount: 0 },
  ]);
  expect(redundancyRows(state, HEALED, view)).toEqual([
    ["redundancy", "every chunk has its wanted copies, if its suspect nodes come back"],
    ["", "7 copies (100 B) counted that cannot be reached now, on 1 suspect node"],
  ]);
});

test("chunks without a copy, or without a node for one more, are told with what helps", () => {
  const debt = [{ liveCopies: 0, chunks: 4, bytes: 40 }];
  const repair = { ...HEALED.repair, stuckChunks: 1 };
  const owing = { ...HEALED, debt, debtChunks: 5, debtBytes: 50, missingBytes: 130, repair };
  expect(redundancyRows(ALL_HEALTHY, owing, view).slice(1)).toEqual([
    ["repair", "1 chunk stuck: no node can take one more copy; add a node or make room"],
    ["", "4 chunks can only come back with a node that holds a copy"],
  ]);
  expect(redundancyTroubles(owing)[0]).toBe("4 chunks without any live copy");
});

test("copies that were stored lately and not read since are not said to be read", () => {
  const verification = {
    overdueCopies: 0,
    overdueBytes: 0,
    oldestVerifiedMs: undefined,
    silentNodes: 0,
  };
  const rowOf = (oldestVerifiedMs: number | undefined) =>
    redundancyRows(
      ALL_HEALTHY,
      { ...HEALED, verification: { ...verification, oldestVerifiedMs } },
      view,
    ).at(-1);
  expect(rowOf(undefined)).toEqual([
    "verified",
    "every copy was stored or read within the scrub period",
  ]);
  expect(rowOf(93_000)?.[1]).toMatch(/scrub period, the oldest 7 s ago$/u);
});
