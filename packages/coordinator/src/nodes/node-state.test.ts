import { expect, test } from "vitest";
import { judgeSilence } from "./failure-detector.ts";
import { LIVENESS, LIVENESS_AFTER, NODE_STATE, NODE_STATES } from "./node-state.ts";

test("whatever state a node is in, a heartbeat makes it alive and a long silence dead", () => {
  for (const liveness of LIVENESS) {
    expect(LIVENESS_AFTER[liveness].heard ?? liveness).toBe("alive");
    expect(LIVENESS_AFTER[liveness].lost ?? liveness).toBe("dead");
  }
});

test("a dead node is not revived by being late", () => {
  expect(LIVENESS_AFTER.dead.late).toBeUndefined();
});

test("each state of the node table is shown by some node, and only a healthy one takes chunks", () => {
  const shown = Object.values(NODE_STATE).flatMap((row) => Object.values(row));
  expect(new Set(shown)).toEqual(new Set(NODE_STATES));
  expect(shown.filter((state) => state === "healthy")).toHaveLength(1);
});

test("silence is judged at its limits", () => {
  const limits = { suspectAfterMs: 10, deadAfterMs: 60 };
  const judge = (silentMs: number) => judgeSilence({ heardAtMs: 5, nowMs: 5 + silentMs }, limits);
  expect([0, 9, 10, 59, 60, 1e9].map(judge)).toEqual([
    "heard",
    "heard",
    "late",
    "late",
    "lost",
    "lost",
  ]);
});
