import { CairnError } from "@cairnfs/base/errors";
import { expect, test } from "vitest";
import { Acknowledgements } from "./acknowledgements.ts";

const receipt = (nodeNumber: number) => ({ nodeNumber, mac: new Uint8Array(16) });
const stalled = new CairnError("stalled", "no progress");

function tally(writeQuorum = 2): Acknowledgements {
  return new Acknowledgements({ ownNodeNumber: 1, replicaNodeNumbers: [2, 3], writeQuorum });
}

test("what was taken is what the slowest copy that may still succeed has", () => {
  const copies = tally();
  copies.took(1, 300);
  copies.took(2, 200);
  expect(copies.takenBytes).toBe(0);
  copies.took(3, 100);
  expect(copies.takenBytes).toBe(100);
  copies.lost(3, stalled);
  expect(copies.takenBytes).toBe(200);
  copies.keeps(2, receipt(2));
  expect(copies.takenBytes).toBe(300);
  copies.keeps(1, receipt(1));
  expect(copies.takenBytes).toBeUndefined();
});

test("the quorum is met by durable copies only, and never without the own one", () => {
  const copies = tally();
  copies.keeps(2, receipt(2));
  copies.keeps(3, receipt(3));
  expect(copies.isQuorumMet).toBe(false);
  copies.keeps(1, receipt(1));
  expect(copies.isQuorumMet).toBe(true);
  expect(copies.receipts.map((each) => each.nodeNumber)).toEqual([1, 2, 3]);
});

test("the quorum is out of reach once too many copies are lost, and the error names each", () => {
  const copies = tally();
  copies.lost(2, stalled);
  expect(copies.isQuorumPossible).toBe(true);
  copies.lost(3, new CairnError("storeFull", "no room"));
  expect(copies.isQuorumPossible).toBe(false);
  const error = copies.quorumError();
  expect(error.reason).toBe("quorumNotReached");
  expect(error.message).toContain("node 2: stalled, no progress; node 3: storeFull, no room");
  expect(error.details).toMatchObject({ node2: "stalled", node3: "storeFull", writeQuorum: 2 });
});

test("how a copy ended is final", () => {
  const copies = tally();
  copies.keeps(2, receipt(2));
  copies.lost(2, stalled);
  copies.lost(3, stalled);
  copies.keeps(3, receipt(3));
  expect(copies.receipts).toEqual([receipt(2)]);
  expect(copies.failures.map((failure) => failure.nodeNumber)).toEqual([3]);
  expect(copies.pendingReplicas).toEqual([]);
});
