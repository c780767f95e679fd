import { expect, test } from "vitest";
import { planRepair } from "./repair-plan.ts";
import { recordOf } from "./testing/healing-cluster.ts";

const TERMS = { nowMs: 1_000_000, repairDelayMs: 300_000 };

function nodes(view: {
  readonly live: readonly number[];
  readonly well?: readonly number[];
  /** Since when dead nodes have been so. */
  readonly dead?: Readonly<Record<number, number>>;
}) {
  return {
    isLive: (nodeNumber: number) => view.live.includes(nodeNumber),
    isWell: (nodeNumber: number) => (view.well ?? view.live).includes(nodeNumber),
    deadSinceMs: (nodeNumber: number) => view.dead?.[nodeNumber],
  };
}

test("a chunk that is gone or owes nothing needs nothing", () => {
  const all = nodes({ live: [1, 2] });
  expect(planRepair(undefined, all, TERMS)).toEqual({ kind: "nothing" });
  const paid = recordOf({ nodeNumbers: [1, 2, 3] });
  expect(planRepair(paid, all, TERMS)).toEqual({ kind: "nothing" });
});

test("the ledger is put right before anything is copied", () => {
  const record = recordOf({ nodeNumbers: [1, 2], debtCopies: 2 });
  expect(planRepair(record, nodes({ live: [1] }), TERMS)).toEqual({ kind: "settle" });
  const risen = recordOf({ nodeNumbers: [1, 2, 3], debtCopies: 2 });
  expect(planRepair(risen, nodes({ live: [1, 2, 3] }), TERMS)).toEqual({ kind: "settle" });
});

test("nodes that are well are asked before those that are only not given up", () => {
  const record = recordOf({ nodeNumbers: [1, 2], debtCopies: 2 });
  expect(planRepair(record, nodes({ live: [1, 2], well: [2] }), TERMS)).toEqual({
    kind: "copy",
    sources: [2, 1],
  });
});

test("without a live copy a chunk is lost", () => {
  const record = recordOf({ nodeNumbers: [1, 2], debtCopies: 0 });
  const view = nodes({ live: [], dead: { 1: 999_999, 2: 1 } });
  expect(planRepair(record, view, TERMS)).toEqual({ kind: "lost" });
});

test("what is on a node that died a short while ago is waited for, until the delay is over", () => {
  const record = recordOf({ nodeNumbers: [1, 2, 3], debtCopies: 2 });
  const view = nodes({ live: [1, 2], dead: { 3: 900_000 } });
  expect(planRepair(record, view, TERMS)).toEqual({ kind: "wait", untilMs: 1_200_000 });
  expect(planRepair(record, view, { ...TERMS, nowMs: 1_199_999 })).toMatchObject({ kind: "wait" });
  expect(planRepair(record, view, { ...TERMS, nowMs: 1_200_000 })).toMatchObject({ kind: "copy" });
  expect(planRepair(record, view, { ...TERMS, repairDelayMs: 0 })).toMatchObject({ kind: "copy" });
});

test("a chunk with one copy left does not wait", () => {
  const record = recordOf({ nodeNumbers: [1, 2, 3], debtCopies: 1 });
  const view = nodes({ live: [1], dead: { 2: 999_999, 3: 999_999 } });
  expect(planRepair(record, view, TERMS)).toEqual({ kind: "copy", sources: [1] });
});

test("a copy that no dead node has is not waited for", () => {
  const record = recordOf({ wantedCopies: 4, nodeNumbers: [1, 2, 3], debtCopies: 2 });
  const view = nodes({ live: [1, 2], dead: { 3: 999_999 } });
  expect(planRepair(record, view, TERMS)).toMatchObject({ kind: "copy" });
});

test("with more dead holders than copies are missing, repair waits while enough of them may come back", () => {
  const record = recordOf({ nodeNumbers: [1, 2, 3, 4], debtCopies: 2 });
  const view = nodes({ live: [1, 2], dead: { 3: 800_000, 4: 950_000 } });
  expect(planRepair(record, view, TERMS)).toEqual({ kind: "wait", untilMs: 1_250_000 });
});

test("a clock that was set back makes nobody wait for longer than the delay", () => {
  const record = recordOf({ nodeNumbers: [1, 2, 3], debtCopies: 2 });
  const view = nodes({ live: [1, 2], dead: { 3: 9_000_000 } });
  expect(planRepair(record, view, TERMS)).toEqual({ kind: "wait", untilMs: 1_300_000 });
});
