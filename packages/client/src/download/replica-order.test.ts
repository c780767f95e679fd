import { expect, test } from "vitest";
import { orderReplicas, type ReplicaCandidate } from "./replica-order.ts";

function candidate(
  nodeNumber: number,
  rest: Partial<Omit<ReplicaCandidate, "condition">> & Partial<ReplicaCandidate["condition"]> = {},
): ReplicaCandidate {
  const { recentFailures = 0, activeReads = 0, latencyMs = 0, ...row } = rest;
  const condition = { recentFailures, activeReads, latencyMs };
  return { nodeNumber, state: "good", isNear: false, condition, ...row };
}

function order(...candidates: ReplicaCandidate[]): number[] {
  return orderReplicas(candidates, 0).map((each) => each.nodeNumber);
}

test("what the cluster says of a node counts before what was seen of it, and that before nearness", () => {
  expect(
    order(
      candidate(1, { state: "bad" }),
      candidate(2, { state: "doubtful", isNear: true }),
      candidate(3, { recentFailures: 2, isNear: true }),
      candidate(4),
      candidate(5, { isNear: true }),
    ),
  ).toEqual([5, 4, 3, 2, 1]);
});

test("among equals the less busy and the clearly faster come first", () => {
  expect(
    order(candidate(1, { activeReads: 2 }), candidate(2, { latencyMs: 100 }), candidate(3)),
  ).toEqual([3, 2, 1]);
  expect(order(candidate(1, { latencyMs: 10 }), candidate(2, { latencyMs: 9 }))).toEqual([1, 2]);
});

test("equals are asked in turn", () => {
  const three = [candidate(1), candidate(2), candidate(3)];
  const firsts = [0, 0.34, 0.67].map((tie) => orderReplicas(three, tie)[0]?.nodeNumber);
  expect(firsts).toEqual([1, 2, 3]);
});
